/** Models of sequences whose states go on: what they give step by step and piece by piece, beside what they give as a whole. */
import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { Layer, type Scope } from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { add, reshape } from '../../lib/ops/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from './check-op.js';

/** Steps [begin, end) of x [N, T, C]. */
export function during({ data, shape }: NdArray<Float32Array>, begin: number, end: number): NdArray<Float32Array> {
  const [n, t, c] = shape as [number, number, number];
  const parts = Array.from({ length: n }, (_, row) => [...data.subarray((row * t + begin) * c, (row * t + end) * c)]);
  return array(Float32Array.from(parts.flat()), [n, end - begin, c]);
}
export const step = (of: NdArray<Float32Array>, t: number): NdArray<Float32Array> => {
  const { data, shape } = during(of, t, t + 1);
  return array(data, [shape[0]!, shape[2]!]);
};

/** x is fed, the others stay the same: what is given of sizes [4, 3] or [3]. */
export type Decoder = Layer<[x: Tensor, given: Tensor]>;
export const x = sample([2, 6, 3], 1);

/** A model of a sequence and of what it is given. */
export class Of extends Layer<[x: Tensor, given: Tensor]> {
  constructor(readonly body: (x: Tensor, given: Tensor, scope: Scope) => Tensor) {
    super();
  }
  forward(x: Tensor, given: Tensor, scope: Scope): Tensor {
    return this.body(x, given, scope);
  }
}

/** x [N, T, C] at each step beside a row [N, C] of another. */
export const beside = (x: Tensor, row: Tensor): Tensor => add(x, reshape(row, [row.shape[0]!, 1, row.shape[1]!]));

export async function assertStreams(model: Decoder, given: readonly NdArray<Float32Array>[], tolerance: number): Promise<void> {
  const [first] = given as [NdArray<Float32Array>];
  model.build([[6, 3], first.shape.slice(1)]);
  const stream = model.stream({ rows: 2, given: [first] });
  for (const now of [...given, undefined]) {
    const whole = await model.predict([x, now ?? given.at(-1)!]);
    if (now !== first) stream.reset(now && [now]);
    for (let t = 0; t < 6; t++) {
      const y = stream.step(step(x, t));
      step(whole, t).data.forEach((expected, i) =>
        assert.ok(Math.abs(y.data[i]! - expected) <= tolerance, `step ${t}: ${y.data[i]} for ${expected}`),
      );
    }
  }
}

/** Loss over the whole, over three pieces that go on, and over three that do not. */
async function losses(model: Layer<never>, more: readonly NdArray[] = []): Promise<readonly number[]> {
  const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0 }) });
  const y = sample([2, 6, 4], 9);
  const pieces = [0, 2, 4].map((t) => ({ x: [during(x, t, t + 2), ...more], y: during(y, t, t + 2) }));
  const whole = await trainer.evaluate({ x: [x, ...more], y });
  const carried = await trainer.evaluate(pieces, { carryState: true });
  const cut = await trainer.evaluate(pieces);
  const fitted = await trainer.fit(pieces, { carryState: true, epochs: 2 });
  for (const { loss } of fitted.epochs) assert.ok(Math.abs(loss - carried.loss) < 1e-6, `${loss} in a fit, ${carried.loss}`);
  return [whole.loss, carried.loss, cut.loss];
}
export async function assertCarries(model: Layer<never>, more: readonly NdArray[] = []): Promise<void> {
  const [whole, carried, cut] = (await losses(model, more)) as [number, number, number];
  assert.ok(Math.abs(carried - whole) < 1e-6, `${carried} in pieces, ${whole} as a whole`);
  assert.ok(Math.abs(cut - whole) > 1e-4, `${cut} without carryState`);
}

/** A model of one sequence. */
export class Plain extends Layer {
  constructor(readonly body: (x: Tensor, scope: Scope) => Tensor) {
    super();
  }
  forward(x: Tensor, scope: Scope): Tensor {
    return this.body(x, scope);
  }
}
