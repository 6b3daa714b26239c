import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Batch,
  Callback,
  CrossEntropyLoss,
  EarlyStopping,
  type EarlyStoppingOptions,
  type EpochRecord,
  type FitContext,
  type Layer,
  Linear,
  MSELoss,
  Metric,
  PReLU,
  ReLU,
  ReduceLROnPlateau,
  type ReduceLROnPlateauOptions,
  SGD,
  SaveBest,
  Sequential,
  type Snapshot,
  type Tensor,
  Trainer,
  accuracy,
  array,
  mean,
} from '../../lib/index.js';
import { readFixture } from '../support/fixtures.js';
import { classProblem } from '../support/problems.js';
import { trainerOf } from '../support/trainer.js';

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
    assert.ok(Math.abs((await trainer.evaluate(data))['loss'] - best) < 1e-6);
  });

  it('goes on from the best value of an earlier fit', async () => {
    const model = new Sequential([new Linear(2)], { seed: 1 });
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.01 }) });
    const stopping = new EarlyStopping({ monitor: 'loss', patience: 2, best: 0.001 });
    const { epochs, stopped } = await trainer.fit(data, { epochs: 10, callbacks: [stopping] });
    assert.deepEqual([epochs.length, stopped, stopping.best, stopping.bestEpoch], [2, 'early', 0.001, 0]);
  });

  it('puts the weights back that it began with if none is better than the best given', async () => {
    const model = new Sequential([new Linear(2)], { seed: 1 }).build([4]);
    const fit = async (options: EarlyStoppingOptions): Promise<unknown> =>
      new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.01 }) }).fit(data, {
        callbacks: [new EarlyStopping({ monitor: 'loss', best: 0.001, ...options })],
      });
    const before = model.weights();
    await fit({});
    assert.deepEqual(model.weights(), before);
    await fit({ restoreBest: false });
    assert.notDeepEqual(model.weights(), before);
  });

  it('has no weights to put back of a model that the first batch builds', async () => {
    const trainer = new Trainer(new Sequential([new Linear(2)]), { loss: new CrossEntropyLoss(), optimizer: new SGD() });
    const stopping = new EarlyStopping({ monitor: 'loss', best: 0.001, patience: 2 });
    const { epochs } = await trainer.fit(() => [data], { epochs: 9, callbacks: [stopping] });
    assert.deepEqual([epochs.length, stopping.bestEpoch], [2, 0]);
  });

  it('fails if there is no number to compare', async () => {
    const trainer = new Trainer(new Sequential([new Linear(2)]), { loss: new CrossEntropyLoss(), optimizer: new SGD() });
    const broken = { x: array(new Float32Array(256).fill(NaN), [64, 4]), y: data.y };
    await assert.rejects(trainer.fit(data, { epochs: 9, validation: broken, callbacks: [new EarlyStopping({ patience: 2 })] }), {
      name: 'DataError',
      message:
        'EarlyStopping: expected a finite valLoss in one of 2 epochs, got none, the last NaN. Look for where it comes from by debug: true.',
    });
  });

  it('ends where a metric is NaN in a sound fit', async () => {
    const figure = new (class extends Metric {
      readonly name = 'figure';
      override readonly better = 'max';
      forward(prediction: Tensor): Tensor {
        return mean(prediction);
      }
      override finish(): number {
        return NaN;
      }
    })();
    const trainer = new Trainer(new Sequential([new Linear(2)]), { loss: new CrossEntropyLoss(), optimizer: new SGD(), metrics: [figure] });
    const { epochs, stopped } = await trainer.fit(data, { epochs: 9, callbacks: [new EarlyStopping({ monitor: 'figure', patience: 2 })] });
    assert.deepEqual([epochs.length, stopped], [2, 'early']);
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

  it('takes the first epoch with a number for the best', async () => {
    const batch = classProblem(8, 4, 3);
    const broken = { x: array(new Float32Array(32).fill(NaN), [8, 4]), y: batch.y };
    const stopping = new EarlyStopping({ patience: 2 });
    let epoch = 0;
    const validation = (): readonly Batch[] => [epoch++ === 0 ? broken : batch];
    const trainer = trainerOf(new Sequential([new Linear(3)]), { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.01 }) });
    const { epochs, stopped } = await trainer.fit(batch, { epochs: 4, validation, callbacks: [stopping] });
    assert.deepEqual([stopped, epochs.length, stopping.bestEpoch, stopping.best], ['completed', 4, 4, epochs[3]!.metrics.valLoss]);
    assert.ok(Number.isNaN(epochs[0]!.metrics.valLoss));
  });
});

interface PlateauCase {
  readonly values: readonly number[];
  readonly options: ReduceLROnPlateauOptions;
  readonly rates: readonly number[];
}

describe('ReduceLROnPlateau', () => {
  for (const { values, options, rates } of readFixture<{ plateau: readonly PlateauCase[] }>('schedules').plateau) {
    it(`lowers the rate as PyTorch does ${JSON.stringify(options)}`, () => {
      const optimizer = new SGD({ lr: 0.5 });
      const model = new Sequential([new Linear(2)]);
      const refuse = (): never => assert.fail();
      const context: FitContext = {
        model,
        optimizers: [optimizer],
        figures: ['loss'],
        better: { loss: 'min' },
        stop: refuse,
        snapshot: refuse,
        restore: refuse,
      };
      const callback = new ReduceLROnPlateau({ monitor: 'loss', ...options });
      callback.onStart(context);
      values.forEach((loss, i) => {
        callback.onEpoch({ epoch: i + 1, loss, metrics: {}, lr: 0.1, seconds: 0 }, context);
        assert.ok(Math.abs(Number(optimizer.lr) - rates[i]!) < 1e-15, `epoch ${i + 1}: expected ${rates[i]}, got ${Number(optimizer.lr)}`);
      });
    });
  }

  it('lowers those of the trainer it is called from and of its groups', async () => {
    const [optimizer, other] = [new SGD({ lr: 1e-9 }), new SGD({ lr: 1e-10 })];
    const groups = [{ parameters: ['0.bias'], optimizer: other }];
    const trainer = new Trainer(new Sequential([new Linear(2)]), { loss: new CrossEntropyLoss(), optimizer, groups });
    const callbacks = [new ReduceLROnPlateau({ monitor: 'loss', patience: 0, minLr: 1e-11 })];
    await trainer.fit(classProblem(16, 4, 2), { epochs: 5, callbacks });
    assert.deepEqual([optimizer.lr, other.lr], [1e-11, 1e-11]);
  });

  it('refuses a schedule, what is not reported, and wrong options', async () => {
    const data = classProblem(16, 4, 2);
    const fit = async (optimizer: SGD, options: ReduceLROnPlateauOptions): Promise<unknown> =>
      new Trainer(new Sequential([new Linear(2)]), { loss: new CrossEntropyLoss(), optimizer }).fit(data, {
        callbacks: [new ReduceLROnPlateau(options)],
      });
    await assert.rejects(fit(new SGD({ lr: () => 1 }), { monitor: 'loss' }), {
      name: 'OptionError',
      message: 'ReduceLROnPlateau: expected a number for lr of the optimizer, got a function. Use either a schedule or this callback.',
    });
    await assert.rejects(fit(new SGD(), {}), {
      name: 'OptionError',
      message: /ReduceLROnPlateau: expected monitor to be one of loss, got "valLoss"/,
    });
    assert.throws(() => new ReduceLROnPlateau({ factor: 1 }), { name: 'OptionError', message: /a number in \[0, 1\) for factor, got 1/ });
    assert.throws(() => new ReduceLROnPlateau({ patience: -1 }), { name: 'OptionError', message: /patience/ });
  });
});

describe('SaveBest', () => {
  const data = classProblem(64, 4, 2);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('leaves the weights of the best epoch in the file', async () => {
    const model = new Sequential([new Linear(8), new ReLU(), new Linear(2)], { seed: 1 });
    const optimizer = new SGD({ lr: (step) => (step < 20 ? 0.1 : 50) });
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer, metrics: [accuracy()] });
    const [byLoss, byAccuracy] = [new SaveBest(join(folder, 'loss')), new SaveBest(join(folder, 'accuracy'), { monitor: 'valAccuracy' })];
    const history = await trainer.fit(data, { epochs: 20, batchSize: 16, validation: data, callbacks: [byLoss, byAccuracy] });
    assert.equal(byLoss.best, Math.min(...history.series('valLoss')));
    assert.equal(byAccuracy.best, Math.max(...history.series('valAccuracy')));
    assert.ok(byLoss.bestEpoch < 20);
    await model.load(join(folder, 'loss'));
    assert.ok(Math.abs((await trainer.evaluate(data))['loss'] - byLoss.best) < 1e-6);
    await model.load(join(folder, 'accuracy'));
    assert.equal((await trainer.evaluate(data))['accuracy'], byAccuracy.best);
  });

  it('writes nothing that is worse than the best of an earlier fit, and fails with fit where it cannot write', async () => {
    const trainer = new Trainer(new Sequential([new Linear(1)]), { loss: new MSELoss(), optimizer: new SGD() });
    const batch = { x: array([[1], [2]]), y: array([[1], [2]]) };
    const fit = async (path: string, best: number): Promise<unknown> =>
      trainer.fit(batch, { callbacks: [new SaveBest(path, { monitor: 'loss', best })] });
    await fit(join(folder, 'model'), 0);
    assert.deepEqual(await readdir(folder), []);
    await fit(join(folder, 'model'), 1e9);
    assert.deepEqual(await readdir(folder), ['model']);
    const unwritten = new SaveBest(join(folder, 'missing', 'model'), { monitor: 'loss', best: 1e9 });
    await assert.rejects(trainer.fit(batch, { callbacks: [unwritten] }), { name: 'FileError' });
    assert.deepEqual([unwritten.best, unwritten.bestEpoch], [1e9, 0]);
  });

  it('refuses wrong options', () => {
    assert.throws(() => new SaveBest(''), { name: 'OptionError', message: "SaveBest: expected a path or a file: URL for path, got ''." });
    assert.throws(() => new SaveBest('a', { best: NaN }), { name: 'OptionError', message: /a finite number for best, got NaN/ });
    assert.throws(() => new SaveBest('a', { mode: 'up' as never }), { name: 'OptionError', message: /'min' or 'max' for mode/ });
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

  it('refuses a snapshot of another model', async () => {
    const model = new Sequential([new Linear(3)]).build([4]);
    const of = (other: Layer): Snapshot => ({ weights: other.weights() });
    const refused: string[] = [];
    class Restore extends Callback {
      override onEpoch(_: unknown, context: FitContext): void {
        const before = model.weights();
        const wider = new Sequential([new Linear(4)]).build([3]); // As many values.
        const longer = new Sequential([new Linear(3), new PReLU()]).build([4]);
        for (const snapshot of [of(wider), of(longer), of(new Linear(3).build([4])), { weights: new Float32Array(3) } as never]) {
          try {
            context.restore(snapshot);
          } catch (error) {
            refused.push(String(error));
          }
        }
        assert.deepEqual(model.weights(), before);
        const like = new Sequential([new Linear(3)], { seed: 4 }).build([4]);
        context.restore(of(like));
        assert.deepEqual(model.weights(), like.weights());
      }
    }
    await trainerOf(model, { loss: new CrossEntropyLoss() }).fit(classProblem(512, 4, 3), { callbacks: [new Restore()] });
    const expected = 'StateError: restore: expected a snapshot of this model, got';
    const advice = 'Give one that snapshot() made in a fit of it.';
    assert.deepEqual(refused, [
      `${expected} one without "0.weight" [4, 3]. ${advice}`,
      `${expected} one of 3 weights, not 2. ${advice}`,
      `${expected} one without "0.weight" [4, 3]. ${advice}`,
      `${expected} Float32Array. ${advice}`,
    ]);
  });
});
