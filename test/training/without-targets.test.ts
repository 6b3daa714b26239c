import assert from 'node:assert/strict';
import {
  Linear,
  Loss,
  MSELoss,
  Metric,
  SGD,
  Sequential,
  type Tensor,
  Trainer,
  exp,
  mean,
  randomFlip,
  square,
  sub,
} from '../../lib/index.js';
import { sample } from '../support/check-op.js';

/** As far as the mean of its predictions is from 1. */
class Apart extends Loss {
  forward(prediction: Tensor): Tensor {
    return square(sub(mean(prediction), 1));
  }
}

class Spread extends Metric {
  readonly name = 'spread';

  forward(prediction: Tensor): Tensor {
    return mean(exp(prediction));
  }
}

const x = sample([40, 3]);

describe('a loss that compares with no target', () => {
  const make = (): Trainer => new Trainer(new Sequential([new Linear(2)]), { loss: new Apart(), metrics: [new Spread()], optimizer: new SGD({ lr: 0.1 }) }); // prettier-ignore

  it('trains, steps and evaluates on x alone', async () => {
    const trainer = make();
    const before = await trainer.evaluate({ x, y: {} });
    const { last } = await trainer.fit({ x, y: {} }, { epochs: 20, batchSize: 8, validation: { x, y: {} } });
    assert.ok(last!.metrics['valLoss']! < 0.01 * before.loss, `${last!.metrics['valLoss']} after ${before.loss}`);
    const batches = await trainer.evaluate([{ x, y: {} }]);
    const step = await trainer.step({ x, y: {} });
    assert.equal(step.loss, batches.loss);
    assert.deepEqual(Object.keys(step), ['loss', 'spread']);
  });

  it('is the only kind for such data', async () => {
    const trainer = new Trainer(new Sequential([new Linear(2)]), { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) });
    const wrong = { name: 'DataError', message: /expected targets y for MSELoss, whose forward takes them, got none\./ };
    for (const call of ['fit', 'step', 'evaluate'] as const) await assert.rejects(trainer[call]({ x, y: {} }), wrong);
    await assert.rejects(make().fit({ x, y: {} }, { augment: [randomFlip()] }), { name: 'ShapeError', message: /expected one target y for augment, got none/ }); // prettier-ignore
  });
});

describe('figures of an epoch', () => {
  it('have different names, those of the validation too', () => {
    const options = { loss: new Apart(), optimizer: new SGD({ lr: 0.1 }) };
    const model = new Sequential([new Linear(2)]);
    for (const [names, twice] of [
      [['a', 'valA'], 'valA'],
      [['valLoss'], 'valLoss'],
      [['loss'], 'loss'],
      [['lr'], 'lr'],
      [['a', 'a'], 'a'],
    ] as const) {
      const metrics = names.map((name) => new Spread().as(name));
      assert.throws(() => new Trainer(model, { ...options, metrics }), {
        name: 'OptionError',
        message: new RegExp(`got ${twice} twice\\. Rename one`),
      });
    }
    new Trainer(model, { ...options, metrics: ['value', 'val', 'a', 'valB'].map((name) => new Spread().as(name)) });
  });

  it('tell the learning rate of the last update', async () => {
    const trainer = new Trainer(new Sequential([new Linear(2)]), {
      loss: new Apart(),
      optimizer: new SGD({ lr: (step) => 1 / (step + 1) }),
    });
    const history = await trainer.fit({ x, y: {} }, { epochs: 2, batchSize: 10 });
    assert.deepEqual(history.series('lr'), [1 / 4, 1 / 8]);
    const { last } = await trainer.fit({ x, y: {} }, { batchSize: 10, accumulate: 2 });
    assert.equal(last!.lr, 1 / 10);
  });
});
