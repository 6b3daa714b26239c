import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { Conv1d, Linear, ReLU, Sequential } from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import * as ops from '../../lib/ops/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import type { Batch } from '../../lib/training/batch.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';

const network = (): Sequential =>
  new Sequential(
    [
      new Conv1d(4, 3, { padding: 'causal' }),
      new ReLU(),
      new Conv1d(4, 2, { padding: 'causal', dilation: 3, groups: 2 }),
      new Conv1d(3, 1, { padding: 'causal' }),
      new Linear(1),
    ],
    { seed: 2 },
  );

/** Steps [begin, end) of the single row x [1, T, C]. */
function during({ data, shape }: NdArray<Float32Array>, begin: number, end: number): NdArray<Float32Array> {
  const c = shape[2]!;
  return array(data.slice(begin * c, end * c), [1, end - begin, c]);
}

describe('causal convolutions', () => {
  for (const [k, stride, dilation] of [
    [1, 1, 1],
    [3, 1, 1],
    [2, 1, 3],
    [3, 2, 1],
    [2, 3, 2],
    [4, 1, 3],
  ] as const)
    // prettier-ignore
    it(`are those of sequences with zeros before them: K = ${k}, stride ${stride}, dilation ${dilation}`, () => {
      const [x, w] = [sample([2, 7, 2], 1), sample([k, 2, 3], 2)];
      const padded = (x: Tensor, w: Tensor): Tensor =>
        ops.conv1d(ops.pad(x, [[0, 0], [dilation * (k - 1), 0], [0, 0]]), w, { stride, dilation }); // prettier-ignore
      const causal = (x: Tensor, w: Tensor): Tensor => ops.conv1d(x, w, { padding: 'causal', stride, dilation });
      assert.deepEqual(compile(causal).sync(x, w), compile(padded).sync(x, w));
    });

  it('stream: step by step what predict gives for whole sequences', async () => {
    const model = network().build([8, 2]);
    const x = sample([3, 8, 2]);
    const whole = await model.predict(x);
    const stream = model.stream({ rows: 3 });
    assert.deepEqual([...stream.state()].map(([path, { shape }]) => [path, shape]), [['0.steps', [3, 2, 2]], ['2.steps', [3, 3, 4]]]); // prettier-ignore
    for (const pass of [1, 2]) {
      for (let t = 0; t < 8; t++) {
        const rows = [0, 1, 2].flatMap((n) => [...x.data.subarray((n * 8 + t) * 2, (n * 8 + t + 1) * 2)]);
        const y = stream.step(array(Float32Array.from(rows), [3, 2]));
        for (let n = 0; n < 3; n++) assert.equal(y.data[n], whole.data[n * 8 + t], `pass ${pass}, step ${t}, row ${n}`);
      }
      stream.reset();
    }
  });

  it('go on from piece to piece with carryState, where the stride divides them', async () => {
    const strided = new Sequential([new Conv1d(2, 4, { padding: 'causal', stride: 2 }), network()], { seed: 1 }).build([12, 2]);
    const [x, y] = [sample([1, 12, 2], 1), sample([1, 6, 1], 2)];
    const trainer = new Trainer(strided, { loss: new MSELoss(), optimizer: new SGD({ lr: 0 }) });
    const pieces: readonly Batch[] = [0, 4, 8].map((t) => ({ x: during(x, t, t + 4), y: during(y, t / 2, t / 2 + 2) }));
    const [whole, carried, cut] = await Promise.all([
      trainer.evaluate({ x, y }),
      trainer.evaluate(pieces, { carryState: true }),
      trainer.evaluate(pieces),
    ]);
    // A mean of means: six squares of about 1 in another order.
    assert.ok(Math.abs(carried.loss - whole.loss) < 6 * 2 ** -23, `${carried.loss} and ${whole.loss}`);
    assert.ok(Math.abs(cut.loss - whole.loss) > 1e-3, `${cut.loss} and ${whole.loss}`);
    await assert.rejects(trainer.evaluate([{ x: during(x, 0, 3), y: during(y, 0, 2) }], { carryState: true }), {
      name: 'StateError',
      message:
        'evaluate: Conv1d "0": expected a stride that divides T where states go on from step to step, got 2 for x [1, 3, 2]. Cut the sequences at a multiple of it; a stream, which is fed single steps, needs stride 1.',
    });
  });

  it('go on where the stride divides the pieces only, whatever the kernel', async () => {
    const trainer = new Trainer(new Conv1d(1, 1, { padding: 'causal', stride: 2 }), { loss: new MSELoss(), optimizer: new SGD() });
    const batch = { x: sample([1, 3, 1], 1), y: sample([1, 2, 1], 2) };
    await assert.rejects(trainer.evaluate([batch, batch], { carryState: true }), {
      name: 'StateError',
      message: /a stride that divides T/,
    });
  });

  it('do not stream with a stride', () =>
    assert.throws(() => new Conv1d(2, 3, { padding: 'causal', stride: 2 }).build([6, 3]).stream(), {
      name: 'StateError',
      message: /a stride that divides T .* got 2 for x \[1, 1, 3\]/,
    }));

  it('are refused for images and for no steps', () => {
    const x = compile((x: Tensor) => ops.conv1d(x, ops.reshape(x, [1, 1, 1]), { padding: 'causal' }));
    assert.throws(() => x.describe([1, 0, 1]));
    assert.throws(() => compile((x: Tensor) => ops.conv2d(x, x, { padding: 'causal' as 'same' })).describe([1, 1, 1, 1]), {
      name: 'OptionError',
      message: /^conv2d: expected .* for padding, got 'causal'\.$/,
    });
  });
});
