import assert from 'node:assert/strict';
import {
  Conv2d,
  Embedding,
  GRU,
  Layer,
  GlobalAvgPool2d,
  Linear,
  MSELoss,
  Philox,
  ReLU,
  SGD,
  Sequential,
  ShapeError,
  Trainer,
  array,
  type NdArray,
  type Scope,
  type Tensor,
} from '../../lib/index.js';

const row = array([1, 2, 3, 4]);

function messageOf(expected: string, got: string, advice: string): RegExp {
  const literal = `Sequential: expected input of shape ${expected} as the model was built, got ${got}. ${advice}`;
  return new RegExp(`^(\\w+: )?${literal.replace(/[[\]().]/g, '\\$&')}$`);
}

describe('one row without the dimension of the batch', () => {
  for (const outputs of [3, 4]) {
    const message = messageOf('[N, 4]', '[N]', 'Reshape one row to [1, 4].');
    it(`is refused by a model of ${outputs} outputs`, async () => {
      const model = new Sequential([new Linear(outputs)]).build([4]);
      await assert.rejects(model.predict(row), { name: ShapeError.name, message });
      assert.throws(() => model.predictSync(row), { name: ShapeError.name, message });
      const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD() });
      await assert.rejects(trainer.step({ x: row, y: array(new Float32Array(4)) }), { name: ShapeError.name, message });
      await assert.rejects(trainer.evaluate({ x: row, y: array(new Float32Array(4)) }), { name: ShapeError.name, message });
    });
  }

  it('is refused however long it is', async () => {
    const model = new Sequential([new Linear(1000)]).build([1000]);
    const message = messageOf('[N, 1000]', '[N]', 'Reshape one row to [1, 1000].');
    await assert.rejects(model.predict(array(new Float32Array(1000))), { name: ShapeError.name, message });
  });

  it('is refused as a sequence', async () => {
    const model = new Sequential([new GRU(3)]).build([5, 4]);
    const message = messageOf('[N, 5, 4]', '[N, 4]', 'Reshape one row to [1, 5, 4].');
    await assert.rejects(model.predict(array(new Float32Array(20), [5, 4])), { name: ShapeError.name, message });
  });

  it('is refused as an image, of another size too', async () => {
    const model = new Sequential([new Conv2d(4, 3), new GlobalAvgPool2d()]).build([8, 8, 3]);
    const message = messageOf('[N, 8, 8, 3]', '[N, 8, 3]', 'Reshape one row to [1, 8, 8, 3].');
    await assert.rejects(model.predict(array(new Float32Array(8 * 8 * 3), [8, 8, 3])), { name: ShapeError.name, message });
    await assert.rejects(model.predict(array(new Float32Array(10 * 8 * 8), [10, 8, 8])), /got \[N, 8, 8\]\. Reshape the data, or make/);
    const other = /got \[N, 9, 3\]\. A single row needs the batch dimension, too: \[1, …\]\. \(Conv2d "0": expected x of rank 4/;
    await assert.rejects(model.predict(array(new Float32Array(9 * 9 * 3), [9, 9, 3])), { name: ShapeError.name, message: other });
  });

  it('is none where the model takes numbers one by one', async () => {
    assert.deepEqual((await new Sequential([new ReLU()]).build([4]).predict(row)).shape, [4]);
    const table = new Embedding(5, 2).build([3], { dtypes: ['int32'] });
    assert.deepEqual((await table.predict(array(Int32Array.of(1, 2, 3)))).shape, [3, 2]);
    const rows = array(new Philox(1).normal(8), [2, 4]);
    const head = new Linear(2).build([5, 4]);
    assert.deepEqual((await head.predict(rows)).shape, [2, 2]);
  });

  it('is not blamed where an input is missing', async () => {
    class Last extends Layer<[Tensor, Tensor]> {
      readonly gru = new GRU(3);
      forward(x: Tensor, lengths: Tensor, scope: Scope): Tensor {
        return scope.call('gru', this.gru, x, lengths);
      }
    }
    const sequences = (length: number): NdArray => array(new Float32Array(length * 4), [1, length, 4]);
    const model = new Last();
    await model.predict([sequences(5), array(Int32Array.of(2))]);
    const message = /^Last: expected 2 inputs \[N, 5, 4\] and \[N\] as the model was built, got 1\. \(Last: expected 2 inputs, got 1\./;
    await assert.rejects(model.predict(sequences(7)), { name: ShapeError.name, message });
  });
});
