import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { InstanceNorm, type Layer, Linear, PReLU, RMSNorm, Sequential } from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { trace } from '../../lib/model/trace.js';
import { full, sum } from '../../lib/ops/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';

describe('RMSNorm', () => {
  it('is the formula', async () => {
    const x = sample([3, 7], 1);
    const y = await new Sequential([new RMSNorm({ eps: 0.25 })]).build([7]).predict(x);
    for (let row = 0; row < 3; row++) {
      const values = [...x.data.subarray(7 * row, 7 * (row + 1))];
      const scale = 1 / Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / 7 + 0.25);
      // Some ten roundings of numbers below 4.
      values.forEach((v, i) => assert.ok(Math.abs(y.data[7 * row + i]! - v * scale) <= 10 * 4 * 2 ** -24));
    }
  });
  it('gives NaN where the mean square is beyond float32, rather than a quiet 0', async () => {
    const y = await new Sequential([new RMSNorm()]).build([2]).predict(array(Float32Array.of(1e30, 1, 3, 4), [2, 2]));
    assert.ok([...y.data.subarray(0, 2)].every(Number.isNaN));
    assert.ok([...y.data.subarray(2)].every(Number.isFinite));
  });
  it('refuses wrong options', () => {
    assert.throws(() => new RMSNorm({ eps: 0 }), { name: 'OptionError', message: /^RMSNorm: expected a number > 0.* for eps, got 0\.$/ });
  });
});

describe('InstanceNorm', () => {
  it('refuses to train on single pixels, which would all be 0', async () => {
    const trainer = new Trainer(new Sequential([new InstanceNorm({ affine: true })]), { loss: new MSELoss(), optimizer: new SGD() });
    await assert.rejects(trainer.step({ x: sample([2, 1, 3]), y: sample([2, 1, 3]) }), {
      name: 'ShapeError',
      message:
        /InstanceNorm "0": expected more than one pixel a channel while training, got x \[2, 1, 3\]\. Use LayerNorm, or leave it out\.$/,
    });
  });
});

describe('PReLU', () => {
  it('refuses wrong options', () => {
    assert.throws(() => new PReLU({ init: NaN }), { name: 'OptionError', message: 'PReLU: expected a finite number for init, got NaN.' });
  });
  it('learns its slope', async () => {
    const model = new Sequential({ bend: new PReLU() }).build([1]);
    assert.deepEqual([...model.weights().get('bend.weight')!.data], [0.25]);
    assert.deepEqual([...(await model.predict(array(Float32Array.of(-4, 4), [2, 1]))).data], [-1, 4]);
    assert.equal(new Sequential([new Linear(3), new PReLU({ perChannel: true })]).build([2]).weights().get('1.weight')!.size, 3);
  });
  it('has a finite gradient of its slope where x is infinite', () => {
    const slope = compile((x: Tensor, weight: Tensor) => {
      const layer = new PReLU();
      const { output } = trace(layer, [x], { training: true, seed: 0n, resolve: () => weight });
      return gradients(sum(output), [weight])[0]!;
    });
    assert.deepEqual([...slope.sync(array(Float32Array.of(Infinity, -2)), array(Float32Array.of(0.25))).data], [-2]);
  });
});

describe('a scalar', () => {
  const forward = (layer: Layer) => () => trace(layer, [full([], 1)], { training: true, seed: 0n, resolve: () => full([1], 1) });
  it('is refused by PReLU with slopes by channel', () =>
    assert.throws(forward(new PReLU({ perChannel: true })), {
      name: 'ShapeError',
      message: /PReLU: expected x \[\.\.\., C\] for a slope a channel, got \[\]\. Leave perChannel out\.$/,
    }));
});
