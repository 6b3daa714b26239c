import assert from 'node:assert/strict';
import { History, MSELoss, array, mae } from '../../lib/index.js';
import { passing } from '../support/pass.js';

const data = { x: array([1, 2]), y: array([1, 3]) };
const wrong = (name: string, message: string): { name: string; message: string } => ({ name, message });

describe('History', () => {
  it('refuses names that no epoch has', async () => {
    const history = await passing(new MSELoss(), [mae()]).fit(data, { validation: data });
    assert.deepEqual(history.series('valMae'), [0.5]);
    assert.throws(
      () => history.series('val_loss'),
      wrong('OptionError', 'series: expected a name among loss, mae, valLoss, valMae, lr, got "val_loss".'),
    );
    assert.throws(() => history.series('toString'), { name: 'OptionError' });
  });
  it('refuses names that no step has, if steps are kept', async () => {
    const history = await passing(new MSELoss(), [mae()]).fit(data, { keepSteps: true });
    assert.throws(() => history.stepSeries('valLoss'), wrong('OptionError', 'stepSeries: expected a name among loss, mae, got "valLoss".'));
    assert.equal((await passing(new MSELoss(), []).fit(data)).stepSeries('mae').length, 0);
  });
  it('has NaN where an epoch lacks what others have, and nothing without epochs', () => {
    const history = new History();
    assert.deepEqual(history.series('mae'), []);
    history.epochs.push(
      { epoch: 1, loss: 1, metrics: {}, lr: 0.1, seconds: 0 },
      { epoch: 2, loss: 2, metrics: { mae: 3 }, lr: 0.05, seconds: 0 },
    );
    assert.deepEqual(history.series('mae'), [NaN, 3]);
    assert.deepEqual(history.series('loss'), [1, 2]);
  });
});
