/** Predictions on the calling thread. */
import assert from 'node:assert/strict';
import { Embedding, GRU, Layer, Linear, MSELoss, ReLU, SGD, type Scope, Sequential, type Tensor, Trainer, array } from '../../lib/index.js';
import { sample } from '../support/check-op.js';

const network = (): Sequential => new Sequential([new Linear(8), new ReLU(), new Linear(2)], { seed: 1 });

/** Noise in evaluation too, another in each batch. */
class Noisy extends Layer {
  forward(x: Tensor, scope: Scope): Tensor {
    return scope.uniform(x.shape);
  }
}

describe('predictSync', () => {
  it('has the bits of predict, whatever the sizes of the batches', async () => {
    const model = network();
    const x = sample([10, 3]);
    const noisy = new Noisy();
    for (const batchSize of [1, 3, 10, 256]) {
      assert.deepEqual(model.predictSync(x, { batchSize }), await model.predict(x, { batchSize }));
      assert.deepEqual(noisy.predictSync(x, { batchSize }), await noisy.predict(x, { batchSize }));
    }
    const ids = array(Int32Array.of(1, 2, 0, 2), [2, 2]);
    const texts = new Sequential([new Embedding(3, 2), new GRU(3)]);
    assert.deepEqual(texts.predictSync(ids), await texts.predict(ids));
  });
  it('sees new weights, and other input than was there before', async () => {
    const model = network();
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }), seed: 7 });
    const x = sample([4, 3]);
    const before = trainer.predictSync(x);
    await trainer.step({ x, y: sample([4, 2]) });
    const after = trainer.predictSync(x);
    assert.notDeepEqual(after, before);
    assert.deepEqual(after, await trainer.predict(x));
    assert.notDeepEqual(model.predictSync(sample([4, 3], 5)), after);
    assert.deepEqual(await new Trainer(network(), { loss: new MSELoss(), optimizer: new SGD(), seed: 7 }).predict(x), before);
  });
  it('may be called while predict and a fit are under way', async () => {
    const model = network();
    const x = sample([256, 3]);
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.01 }) });
    const expected = model.predictSync(x);
    const predicted = model.predict(x);
    assert.deepEqual(model.predictSync(x), expected);
    assert.deepEqual(await predicted, expected);
    const fit = trainer.fit({ x, y: sample([256, 2]) }, { epochs: 200, batchSize: 4 });
    for (let i = 0; i < 20; i++) assert.ok(model.predictSync(x).data.every(Number.isFinite));
    await fit;
  });
  it('leaves a model that refused its input free to be built for other', () => {
    const model = network();
    assert.throws(() => model.predictSync(array([1, 2, 3])), { name: 'ShapeError', message: /Linear "0"/ });
    assert.deepEqual(model.predictSync(sample([1, 5])).shape, [1, 2]);
    assert.throws(() => model.predictSync(sample([1, 3])), { name: 'ShapeError', message: /as the model was built/ });
  });
  it('refuses wrong options and data', () => {
    const model = network();
    assert.throws(() => model.predictSync(sample([1, 3]), { batchSize: 0 }), {
      name: 'OptionError',
      message: 'predictSync: expected a whole number ≥ 1 for batchSize, got 0.',
    });
    assert.throws(() => model.predictSync([[1, 2, 3]] as never), {
      name: 'DataError',
      message: /^Sequential.predictSync: expected data made by array/,
    });
  });
});
