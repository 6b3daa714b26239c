/** Figures of rows none of which counts: 0/0. */
import assert from 'node:assert/strict';
import { BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, array, mae, precision } from '../../lib/index.js';
import { passing } from '../support/pass.js';

const data = { x: array([[1], [2], [3]]), y: array([[2], [4], [7]]) };

describe('where nothing counts', () => {
  const none = array(new Float32Array(3));
  for (const [name, loss, y] of [
    ['MSELoss', new MSELoss(), data.y],
    ['BCEWithLogitsLoss', new BCEWithLogitsLoss(), array([[1], [0], [1]])],
    ['CrossEntropyLoss', new CrossEntropyLoss(), array(Int32Array.of(0, 0, 0))],
  ] as const) {
    it(`${name} is no number, of an epoch, a step and an evaluation alike`, async () => {
      const trainer = passing(loss, []);
      const batch = { x: data.x, y, sampleWeight: none };
      const { last } = await trainer.fit(batch, { batchSize: 2, keepSteps: true });
      assert.deepEqual([last!.loss, ...last!.steps!.loss!], [NaN, NaN, NaN]);
      assert.deepEqual([(await trainer.step(batch)).loss, (await trainer.evaluate(batch)).loss], [NaN, NaN]);
    });
  }
  it('so are a step and its metrics of an epoch in which others count', async () => {
    const trainer = passing(new MSELoss(), [mae({ ignoreNaN: true }), precision()]);
    const batch = { x: array([1, 2, -1]), y: array([0, NaN, 0]) };
    const options = { batchSize: 1, shuffle: false, keepSteps: true };
    const weighted = { ...batch, y: array([0, 1, 0]), sampleWeight: array([1, 0, 1]) };
    assert.deepEqual([...(await trainer.fit(weighted, options)).stepSeries('loss')], [1, NaN, 1]);
    const history = await passing(new MSELoss({ ignoreNaN: true }), [mae({ ignoreNaN: true }), precision()]).fit(batch, options);
    assert.deepEqual([...history.stepSeries('loss')], [1, NaN, 1]);
    assert.deepEqual([...history.stepSeries('mae')], [1, NaN, 1]);
    assert.deepEqual([...history.stepSeries('precision')], [0, NaN, NaN]);
    assert.equal(history.last!.loss, 1);
  });
  it('a sum is 0', async () => {
    const { last } = await passing(new MSELoss({ reduction: 'sum' }), []).fit({ ...data, sampleWeight: none }, { keepSteps: true });
    assert.deepEqual([last!.loss, ...last!.steps!.loss!], [0, 0]);
  });
});
