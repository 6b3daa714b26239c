import assert from 'node:assert/strict';
import { Callback, CrossEntropyLoss, EarlyStopping, type EpochRecord, Linear, ReLU, SGD, Sequential, Trainer } from '../../lib/index.js';
import { classProblem } from '../support/problems.js';

describe('EarlyStopping', () => {
  const data = classProblem(64, 4, 2);

  it('stops when nothing gets better and restores the best weights', async () => {
    const model = new Sequential([new Linear(8), new ReLU(), new Linear(2)], { seed: 1 });
    // A rate that first helps and then destroys.
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: (step) => (step < 20 ? 0.1 : 50) }) });
    const stopping = new EarlyStopping({ patience: 3 });
    const history = await trainer.fit(data, { epochs: 100, batchSize: 16, validation: data, callbacks: [stopping] });
    assert.equal(history.stopped, 'early');
    assert.ok(history.epochs.length < 100);
    const best = Math.min(...history.series('valLoss'));
    assert.equal(stopping.best, best);
    assert.ok(Math.abs((await trainer.evaluate(data))['loss']! - best) < 1e-6);
  });

  it('refuses to watch what is not reported', async () => {
    const trainer = new Trainer(new Sequential([new Linear(2)]), { loss: new CrossEntropyLoss(), optimizer: new SGD() });
    await assert.rejects(trainer.fit(data, { callbacks: [new EarlyStopping()] }), {
      name: 'OptionError',
      message: /monitor to be one of loss, got "valLoss"/,
    });
  });

  it('refuses wrong options', () => {
    assert.throws(() => new EarlyStopping({ patience: 0 }), { name: 'OptionError', message: /patience/ });
    assert.throws(() => new EarlyStopping({ minDelta: -1 }), { name: 'OptionError', message: /minDelta/ });
  });
});

describe('Callback', () => {
  it('may set the learning rate for the epochs that follow', async () => {
    const model = new Sequential([new Linear(2)], { seed: 1 });
    const optimizer = new SGD({ lr: 0.1 });
    const seen: Float32Array[] = [];
    class Stopper extends Callback {
      override onEpoch({ epoch }: EpochRecord): void {
        if (epoch === 2) optimizer.lr = 0;
        seen.push(model.weights().get('0.weight')!.data);
      }
    }
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer });
    await trainer.fit(classProblem(16, 4, 2), { epochs: 4, callbacks: [new Stopper()] });
    assert.notDeepEqual(seen[0], seen[1]);
    assert.deepEqual(seen[2], seen[1]);
    assert.deepEqual(seen[3], seen[1]);
  });

  it('is called before, after each epoch and at the end, and a failing one ends the fit but not the model', async () => {
    const calls: string[] = [];
    class Recorder extends Callback {
      override onStart(): void {
        calls.push('start');
      }
      override onEpoch({ epoch }: EpochRecord): void {
        calls.push(`epoch ${epoch}`);
        if (epoch === 3) throw new Error('broken callback');
      }
      override onEnd(): void {
        calls.push('end');
      }
    }
    const data = classProblem(32, 4, 2);
    const trainer = new Trainer(new Sequential([new Linear(2)]), { loss: new CrossEntropyLoss(), optimizer: new SGD() });
    await trainer.fit(data, { epochs: 2, callbacks: [new Recorder()] });
    assert.deepEqual(calls, ['start', 'epoch 1', 'epoch 2', 'end']);
    await assert.rejects(trainer.fit(data, { epochs: 5, callbacks: [new Recorder()] }), /broken callback/);
    await trainer.fit(data);
  });
});
