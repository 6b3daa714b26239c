/** Random numbers inside a program: a function of seed, stream, step and element only. Public are those of chosen-streams.ts. */
import { Operation, apply } from '../graph/operation.js';
import type { Instruction } from '../compile/instructions/index.js';
import { type Shape, checkShape } from '../graph/shape.js';
import { type Node, type Tensor, type TensorType, floats } from '../graph/tensor.js';
import { checkedSeed, checkedStream } from '../random.js';
import { cos, log, mul, sqrt, sub } from './elementwise.js';
import { unstack } from './shape.js';

class RandomUniform extends Operation {
  readonly name = 'randomUniform';

  constructor(
    readonly shape: Shape,
    readonly seed: bigint,
    readonly stream: number,
  ) {
    super();
  }

  infer(): readonly TensorType[] {
    return [floats(this.shape)];
  }

  lower(node: Node): readonly Instruction[] {
    const out = node.outputs[0]!;
    return [
      {
        kind: 'random',
        out,
        count: out.size,
        seedLow: Number(this.seed & 0xffffffffn),
        seedHigh: Number((this.seed >> 32n) & 0xffffffffn),
        stream: this.stream,
      },
    ];
  }
}

/**
 * Uniform in [0, 1), new at every step, from Philox4x32-10: the numbers of a seed and a stream, 0 … 2³¹ − 1.
 * Who draws has streams of its own: lib/streams.ts.
 */
export function randomUniform(shape: Shape, seed: number | bigint, stream: number): Tensor {
  return uniform('randomUniform', shape, [], seed, stream);
}

/** Standard normal, new at every step: √(−2 ln(1 − u)) · cos(2πv) of two uniform numbers. */
export function randomNormal(shape: Shape, seed: number | bigint, stream: number): Tensor {
  const [u, v] = unstack(uniform('randomNormal', shape, [2], seed, stream)) as readonly [Tensor, Tensor];
  return mul(sqrt(mul(log(sub(1, u)), -2)), cos(mul(v, 2 * Math.PI)));
}

/** Uniform numbers of shape [...lead, ...shape], for the operation `what`. */
function uniform(what: string, shape: Shape, lead: Shape, seed: number | bigint, stream: number): Tensor {
  checkShape(shape, what);
  return apply(new RandomUniform([...lead, ...shape], checkedSeed(what, seed), checkedStream(what, stream)));
}
