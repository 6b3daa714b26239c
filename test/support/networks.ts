/** Training steps of some networks as writes: parameters in one memory, updated by clipped Adam in place. */
import { gradients } from '../../lib/graph/gradients.js';
import { label } from '../../lib/graph/label.js';
import { MemorySlot, source } from '../../lib/graph/source.js';
import type { Shape } from '../../lib/graph/shape.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import type { Write } from '../../lib/compile/program.js';
import * as ops from '../../lib/ops/index.js';

export interface Network {
  readonly writes: readonly Write[];
  readonly parameters: MemorySlot;
  readonly slots: MemorySlot;
  readonly input: MemorySlot;
  readonly target: MemorySlot;
  readonly results: MemorySlot;
}

type Parameter = (name: string, shape: Shape) => Tensor;
type Forward = (x: Tensor, parameter: Parameter) => Tensor;

/** The step of forward, mean cross-entropy, backward, clipping and Adam. `forward` gives [rows, classes]. */
export function trainingStep(forward: Forward, inputShape: Shape, rows: number): Network {
  const [input, target, results] = [
    new MemorySlot('input', bytes(inputShape)),
    new MemorySlot('target', rows * 4),
    new MemorySlot('results', 4, 4),
  ];
  const shapes: Shape[] = [];
  // Traced twice: the first time to learn the shapes.
  const unknown = new MemorySlot('parameters', 2 ** 40);
  forward(source(input, 0, inputShape), (_name, shape) => {
    shapes.push(shape);
    return source(unknown, 0, shape);
  });
  let size = 0;
  const offsets = shapes.map((shape) => {
    const at = size;
    size += Math.ceil(bytes(shape) / 64) * 16;
    return at;
  });
  const parameters = new MemorySlot('parameters', size * 4);
  const slots = new MemorySlot('slots', size * 8);
  const weights: Tensor[] = [];
  const logits = forward(source(input, 0, inputShape), (_name, shape) => {
    const weight = source(parameters, offsets[weights.length]! * 4, shape);
    weights.push(weight);
    return weight;
  });
  const loss = ops.mean(ops.crossEntropy(logits, source(target, 0, [rows], 'int32')));
  label([loss], 'loss');
  const g = ops.pack(gradients(loss, weights), offsets, size);
  const clipped = ops.mul(g, ops.minimum(ops.div(1, ops.add(ops.sqrt(ops.sumSquares(g)), 1e-6)), 1));
  const [p, m, v] = [source(parameters, 0, [size]), source(slots, 0, [size]), source(slots, size * 4, [size])];
  const m2 = ops.add(ops.mul(m, 0.9), ops.mul(clipped, 0.1));
  const v2 = ops.add(ops.mul(v, 0.999), ops.mul(ops.square(clipped), 0.001));
  const p2 = ops.sub(p, ops.div(ops.mul(m2, 0.01), ops.add(ops.sqrt(v2), 1e-8)));
  label([p2, m2, v2], 'adam');
  const writes = [
    { value: loss, slot: results, byteOffset: 0, commit: false },
    { value: p2, slot: parameters, byteOffset: 0, commit: true },
    { value: m2, slot: slots, byteOffset: 0, commit: true },
    { value: v2, slot: slots, byteOffset: size * 4, commit: true },
  ];
  return { writes, parameters, slots, input, target, results };
}

function bytes(shape: Shape): number {
  return shape.reduce((n, d) => n * d, 4);
}

const linear = (x: Tensor, parameter: Parameter, name: string, width: number): Tensor => {
  const y = ops.add(ops.matmul(x, parameter(`${name}.weight`, [x.shape.at(-1)!, width])), parameter(`${name}.bias`, [width]));
  label([y], name);
  return y;
};

/** [N, I] through layers of `width` with ReLU and, where `dropout` says so, dropout. */
export function mlp(layers: number, width: number, classes: number, dropout = 0): Forward {
  return (x, parameter) => {
    let h = x;
    for (let i = 0; i < layers; i++) {
      h = ops.relu(linear(h, parameter, `layers.${i}`, width));
      if (dropout > 0) h = ops.mul(h, ops.div(ops.less(dropout, ops.randomUniform(h.shape, 1n, i)), 1 - dropout));
      label([h], `layers.${i}`);
    }
    return linear(h, parameter, 'head', classes);
  };
}

const layerNorm = (x: Tensor, parameter: Parameter): Tensor => {
  const centred = ops.sub(x, ops.mean(x, { axes: -1, keepDims: true }));
  const scale = ops.reciprocal(ops.sqrt(ops.add(ops.mean(ops.square(centred), { axes: -1, keepDims: true }), 1e-5)));
  const width = x.shape.at(-1)!;
  return ops.add(ops.mul(ops.mul(centred, scale), parameter('gamma', [width])), parameter('beta', [width]));
};

const gelu = (x: Tensor): Tensor => ops.mul(ops.mul(x, 0.5), ops.add(ops.erf(ops.mul(x, Math.SQRT1_2)), 1));

/** [N, T, D] through `blocks` of attention with `heads` and a feed-forward layer, normalised before. */
export function transformer(blocks: number, heads: number, classes: number): Forward {
  return (x, parameter) => {
    const [n, t, d] = x.shape as [number, number, number];
    const split = (y: Tensor): Tensor => ops.transpose(ops.reshape(y, [n, t, heads, d / heads]), [0, 2, 1, 3]);
    let h = x;
    for (let i = 0; i < blocks; i++) {
      const y = layerNorm(h, parameter);
      const [q, k, v] = ['q', 'k', 'v'].map((name) => split(linear(y, parameter, `${i}.${name}`, d))) as [Tensor, Tensor, Tensor];
      const weights = ops.softmax(ops.div(ops.matmul(q, ops.transpose(k)), Math.sqrt(d / heads)));
      const mixed = ops.reshape(ops.transpose(ops.matmul(weights, v), [0, 2, 1, 3]), [n, t, d]);
      h = ops.add(h, linear(mixed, parameter, `${i}.out`, d));
      h = ops.add(h, linear(gelu(linear(layerNorm(h, parameter), parameter, `${i}.up`, 4 * d)), parameter, `${i}.down`, d));
    }
    return linear(ops.mean(h, { axes: 1 }), parameter, 'head', classes);
  };
}

/** [N, T, I] through a recurrence h = tanh(x·Wx + h·Wh + b) of `width`; the last state decides. */
export function recurrent(width: number, classes: number): Forward {
  return (x, parameter) => {
    const [n, t, i] = x.shape as [number, number, number];
    const [wx, wh, b] = [parameter('wx', [i, width]), parameter('wh', [width, width]), parameter('b', [width])];
    let h = ops.full([n, width], 0);
    for (let step = 0; step < t; step++) {
      const now = ops.reshape(ops.slice(x, [0, step, 0], [n, 1, i]), [n, i]);
      h = ops.tanh(ops.add(ops.add(ops.matmul(now, wx), ops.matmul(h, wh)), b));
    }
    return linear(h, parameter, 'head', classes);
  };
}

export const networks: Readonly<Record<string, () => Network>> = {
  'tiny MLP': () => trainingStep(mlp(1, 16, 2), [4, 3], 4),
  'MLP, large batch': () => trainingStep(mlp(6, 64, 10), [512, 64], 512),
  'MLP, small batch': () => trainingStep(mlp(6, 128, 10), [8, 64], 8),
  'deep MLP with dropout': () => trainingStep(mlp(20, 64, 10, 0.2), [64, 64], 64),
  transformer: () => trainingStep(transformer(3, 4, 10), [4, 16, 32], 4),
  'recurrence over 40 steps': () => trainingStep(recurrent(32, 10), [8, 40, 16], 8),
};
