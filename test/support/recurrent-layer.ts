/** Recurrent layers with given parameters and state, forward and backward. */
import type { NdArray } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { GRU, type GRUOptions, LSTM, type LSTMOptions, Layer, RNN, type RNNOptions, type Scope } from '../../lib/layers/index.js';
import { trace } from '../../lib/model/trace.js';
import { add, mul, sum } from '../../lib/ops/index.js';

export type Kind = 'RNN' | 'LSTM' | 'GRU';

export function recurrentLayer(kind: Kind, hiddenSize: number, options: RNNOptions & LSTMOptions & GRUOptions): RNN | LSTM | GRU {
  switch (kind) {
    case 'RNN':
      return new RNN(hiddenSize, options);
    case 'LSTM':
      return new LSTM(hiddenSize, options);
    case 'GRU':
      return new GRU(hiddenSize, options);
    default:
      return kind satisfies never;
  }
}

/** h, and c of an LSTM. */
type State = readonly Tensor[];

/** y and the final state of a layer that begins with a given one. */
export class Stateful extends Layer<readonly Tensor[]> {
  final: State = [];

  /** Inputs are x, the state and, if `masked`, lengths. */
  constructor(
    readonly body: RNN | LSTM | GRU,
    readonly masked: boolean,
  ) {
    super();
  }

  forward(...args: readonly [...Tensor[], Scope]): Tensor {
    const scope = args.at(-1) as Scope;
    const inputs = args.slice(0, -1) as Tensor[];
    const lengths = this.masked ? inputs.pop() : undefined;
    const [x, h, c] = inputs as [Tensor, Tensor, Tensor | undefined];
    const { body } = this;
    const made: { readonly y: Tensor; readonly h: Tensor; readonly c?: Tensor } =
      body instanceof LSTM ? body.apply(x, { lengths, h, c }, scope) : body.apply(x, { lengths, h }, scope);
    this.final = made.c === undefined ? [made.h] : [made.h, made.c];
    return made.y;
  }
}

export interface SequenceRun {
  readonly y: NdArray;
  readonly final: readonly NdArray[];
  readonly dx: NdArray;
  readonly dstate: readonly NdArray[];
  readonly dparameters: ReadonlyMap<string, NdArray>;
}

/** y and the final state, and the gradients of Σ dy · y + Σ dfinal · final with respect to x, the state and each parameter. */
export function runSequence(
  body: RNN | LSTM | GRU,
  parameters: ReadonlyMap<string, NdArray>,
  given: { x: NdArray; state: readonly NdArray[]; lengths: NdArray | undefined; dy: NdArray; dfinal: readonly NdArray[] },
): SequenceRun {
  const { x, state, lengths, dy, dfinal } = given;
  const paths = [...parameters.keys()];
  const count = state.length;
  const f = compile((...tensors: Tensor[]) => {
    const inputs = tensors.slice(0, 1 + count + (lengths === undefined ? 0 : 1));
    const [dy, ...rest] = tensors.slice(inputs.length);
    const values = rest.slice(count);
    const layer = new Stateful(body, lengths !== undefined);
    const resolve = (_kind: string, path: string): Tensor => values[paths.indexOf(path)]!;
    const { output } = trace(layer, inputs, { training: true, seed: 0n, resolve });
    const total = layer.final.reduce((value, t, i) => add(value, sum(mul(t, rest[i]!))), sum(mul(output, dy!)));
    return [output, ...layer.final, ...gradients(total, [...inputs.slice(0, 1 + count), ...values])];
  });
  const masks = lengths === undefined ? [] : [lengths];
  const results = f.sync(x, ...state, ...masks, dy, ...dfinal, ...parameters.values());
  const [dx, ...rest] = results.slice(1 + count);
  return {
    y: results[0],
    final: results.slice(1, 1 + count),
    dx: dx!,
    dstate: rest.slice(0, count),
    dparameters: new Map(paths.map((path, i) => [path, rest[count + i]!])),
  };
}
