/** Which values of what a callback watches are better. */
import assert from 'node:assert/strict';
import {
  Callback,
  EarlyStopping,
  type FitContext,
  MSELoss,
  Metric,
  type MonitorOptions,
  ReduceLROnPlateau,
  SGD,
  SaveBest,
  type Tensor,
  Trainer,
  accuracy,
  array,
  auc,
  bitsPerCharacter,
  f1,
  mae,
  mean,
  perplexity,
  precision,
  r2,
  recall,
  rmse,
  topK,
} from '../../lib/index.js';
import { Pass, passing } from '../support/pass.js';

class Silent extends Metric {
  readonly name = 'accuracyLoss';
  forward(prediction: Tensor): Tensor {
    return mean(prediction);
  }
}

const data = { x: array([[1], [2], [3]]), y: array([[2], [4], [7]]) };

describe('what a callback watches', () => {
  it('is better where the metric says so, also by another name', () => {
    const larger = [accuracy(), topK(5), precision(), recall(), f1(), r2(), auc(), r2().as('error'), accuracy().of('digit')];
    const smaller = [mae(), rmse(), perplexity(), bitsPerCharacter(), mae().as('accuracy')];
    assert.ok(larger.every(({ better }) => better === 'max'));
    assert.ok(smaller.every(({ better }) => better === 'min'));
  });
  it('keeps the best weights by a metric of which larger is better', async () => {
    // The rate helps for two epochs and then destroys.
    const trainer = new Trainer(new Pass(), {
      loss: new MSELoss(),
      optimizer: new SGD({ lr: (step) => (step < 2 ? 0.05 : 1) }),
      metrics: [r2()],
    });
    const stopping = new EarlyStopping({ monitor: 'valR2', patience: 3 });
    const history = await trainer.fit(data, { epochs: 9, validation: data, callbacks: [stopping] });
    assert.equal(stopping.best, Math.max(...history.series('valR2')));
    assert.equal(stopping.bestEpoch, 2);
    assert.equal((await trainer.evaluate(data)).r2, stopping.best);
  });
  it('is told to callbacks', async () => {
    const seen: FitContext['better'][] = [];
    class Reader extends Callback {
      override onStart({ better }: FitContext): void {
        seen.push(better);
      }
    }
    const trainer = new Trainer(new Pass(), {
      loss: new MSELoss(),
      optimizer: new SGD(),
      metrics: [r2(), new Silent()],
      gradientNorm: true,
    });
    await trainer.fit(data, { validation: data, callbacks: [new Reader()] });
    const min = 'min';
    assert.deepEqual(seen[0], { loss: min, r2: 'max', accuracyLoss: undefined, gradientNorm: min, valLoss: min, valR2: 'max', valAccuracyLoss: undefined }); // prettier-ignore
  });
  it('of a metric that does not say which values are better needs mode', async () => {
    const callbacks: readonly (readonly [string, (options: MonitorOptions) => Callback])[] = [
      ['EarlyStopping', (options) => new EarlyStopping(options)],
      ['ReduceLROnPlateau', (options) => new ReduceLROnPlateau(options)],
      ['SaveBest', (options) => new SaveBest('never', { ...options, best: -1e9 })],
    ];
    for (const [name, make] of callbacks) {
      const trainer = passing(new MSELoss(), [new Silent()]);
      await assert.rejects(trainer.fit(data, { callbacks: [make({ monitor: 'accuracyLoss' })] }), {
        name: 'OptionError',
        message: `${name}: expected mode for "accuracyLoss", whose metric does not say which values are better, got none. Give mode: 'max' or 'min', or the metric \`better\`.`,
      });
      await trainer.fit(data, { callbacks: [make({ monitor: 'accuracyLoss', mode: 'min' })] });
    }
  });
});
