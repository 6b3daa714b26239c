import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { MultiHeadAttention, Sequential } from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';
import { assertGradients } from '../support/layer.js';
import { allNear } from '../support/near.js';

const same = (actual: ArrayLike<number>, expected: ArrayLike<number>): void => allNear(actual, expected, 1e-5);
const [rows, steps, features] = [2, 9, 4];
const x = sample([rows, steps, features]);
const network = (context: number): Sequential =>
  new Sequential(
    [1, 2].map((heads) => new MultiHeadAttention(heads, { causal: true, context })),
    { seed: 2 },
  ).build([steps, features]);

describe('MultiHeadAttention with a context shorter than the sequence', () => {
  for (const context of [1, 2, 4, 8, 9, 20]) {
    it(`predicts what a stream gives: ${context} of ${steps} steps`, async () => {
      const model = network(context);
      const whole = await model.predict(x);
      const stream = model.stream({ rows });
      for (let t = 0; t < steps; t++) {
        const at = (of: Float32Array, n: number): Float32Array => of.subarray((n * steps + t) * features, (n * steps + t + 1) * features);
        const y = stream.step(array(Float32Array.from([...at(x.data, 0), ...at(x.data, 1)]), [rows, features]));
        for (let n = 0; n < rows; n++) same(y.data.subarray(n * features, (n + 1) * features), at(whole.data, n));
      }
    });
  }

  it('trains on what it predicts, and with carryState likewise', async () => {
    const model = network(3);
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0 }) });
    const y = array(new Float32Array(x.size), x.shape);
    const expected = (await model.predict(x)).data.reduce((sum, value) => sum + value * value, 0) / x.size;
    same(
      [(await trainer.step({ x, y })).loss, (await trainer.evaluate({ x, y }, { batchSize: rows, carryState: true })).loss],
      [expected, expected],
    );
  });

  it('looks at no step behind a length, and is of one that has no key left a number', async () => {
    const model = new MultiHeadAttention(2, { causal: true, context: 2 }).build([[steps, features], []], { dtypes: ['float32', 'int32'] });
    const cut = await model.predict([x, array(Int32Array.of(3, steps))]);
    const whole = await model.predict([x, array(Int32Array.of(steps, steps))]);
    same(cut.data.subarray(0, 3 * features), whole.data.subarray(0, 3 * features));
    same(cut.data.subarray(steps * features), whole.data.subarray(steps * features));
    assert.ok(cut.data.every(Number.isFinite));
  });

  it('has gradients', () =>
    assertGradients(new MultiHeadAttention(2, { causal: true, context: 2 }), [sample([2, 5, 4])], { training: true }));
});
