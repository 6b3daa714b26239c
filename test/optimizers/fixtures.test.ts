import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { Adagrad, Adam, AdamW, type Optimizer, RMSprop, SGD } from '../../lib/optimizers/index.js';
import { type Packed, assertClose, readFixture, unpack } from '../support/fixtures.js';

interface OptimizerFixture {
  readonly start: Packed;
  readonly gradients: Packed;
  readonly trajectories: readonly { readonly name: string; readonly path: Packed }[];
}

/** The optimizer that does what PyTorch's of that fixture does. */
const optimizers: Readonly<Record<string, Optimizer>> = {
  SGD: new SGD({ lr: 0.1 }),
  'SGD weightDecay': new SGD({ lr: 0.1, weightDecay: 0.05 }),
  'SGD momentum': new SGD({ lr: 0.1, momentum: 0.9 }),
  'SGD dampening': new SGD({ lr: 0.1, momentum: 0.9, dampening: 0.25, weightDecay: 0.05 }),
  'SGD nesterov': new SGD({ lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.05 }),
  Adam: new Adam({ lr: 0.1 }),
  'Adam options': new Adam({ lr: 0.1, betas: [0.8, 0.95], eps: 1e-3, weightDecay: 0.05 }),
  'Adam amsgrad': new Adam({ lr: 0.1, betas: [0.8, 0.6], amsgrad: true }),
  AdamW: new AdamW({ lr: 0.1 }),
  'AdamW options': new AdamW({ lr: 0.1, betas: [0.8, 0.6], eps: 1e-3, weightDecay: 0.2, amsgrad: true }),
  RMSprop: new RMSprop(),
  'RMSprop options': new RMSprop({ lr: 0.05, alpha: 0.9, eps: 1e-3, weightDecay: 0.05 }),
  'RMSprop momentum': new RMSprop({ lr: 0.05, alpha: 0.9, momentum: 0.8 }),
  'RMSprop centered': new RMSprop({ lr: 0.05, alpha: 0.9, eps: 1e-3, momentum: 0.8, centered: true }),
  Adagrad: new Adagrad(),
  'Adagrad options': new Adagrad({ lr: 0.1, lrDecay: 0.1, weightDecay: 0.05, initialAccumulatorValue: 0.5, eps: 1e-3 }),
};

/** The parameter after each step. */
function follow(optimizer: Optimizer, start: NdArray, gradients: readonly NdArray[]): readonly NdArray[] {
  const lr = typeof optimizer.lr === 'number' ? optimizer.lr : optimizer.lr(0);
  const update = compile((...tensors: Tensor[]) => {
    const [p, g, ...rest] = tensors as [Tensor, Tensor, ...Tensor[]];
    const slots = Object.fromEntries(optimizer.slots.map((name, i) => [name, rest[i]!]));
    const scalars = Object.fromEntries(optimizer.scalars.map((name, i) => [name, rest[optimizer.slots.length + i]!]));
    const next = optimizer.update(p, g, slots, scalars);
    return [next.parameter, ...optimizer.slots.map((name) => next.slots[name]!)];
  });
  let state: readonly NdArray[] = [
    start,
    ...optimizer.slots.map((name) => array(new Float32Array(start.size).fill(optimizer.slotInit[name] ?? 0))),
  ];
  return gradients.map((gradient, step) => {
    const numbers = new Float32Array(optimizer.scalars.length);
    optimizer.writeScalars(numbers, 0, step, lr);
    const scalars = [...numbers].map((value) => array(value));
    const [p, ...slots] = state;
    state = update.sync(p!, gradient, ...slots, ...scalars);
    return state[0]!;
  });
}

/** Each step adds a few roundings of parameters and state, all of size about 1, and Adagrad divides by small roots. */
const ulpsPerStep = 4;

describe('optimizers against PyTorch', () => {
  const { start, gradients, trajectories } = readFixture<OptimizerFixture>('optimizers');
  const [steps, size] = gradients.shape as [number, number];
  const rows = (packed: Packed): Packed[] =>
    Array.from({ length: steps }, (_, i) => ({ shape: [size], data: packed.data.slice(i * size, (i + 1) * size) }));
  it('has a trajectory for each optimizer listed', () =>
    assert.deepEqual(trajectories.map(({ name }) => name).sort(), Object.keys(optimizers).sort()));
  for (const { name, path } of trajectories) {
    it(`${name}, ${steps} steps`, () => {
      const followed = follow(optimizers[name]!, unpack(start), rows(gradients).map(unpack));
      rows(path).forEach((expected, i) => assertClose(followed[i]!, expected, ulpsPerStep * (i + 1), `step ${i}`));
    });
  }
});
