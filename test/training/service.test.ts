import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  Adam,
  Callback,
  CrossEntropyLoss,
  EarlyStopping,
  type FitContext,
  Linear,
  ReLU,
  SGD,
  Sequential,
  type Snapshot,
  Trainer,
  array,
  readSafetensors,
} from '../../lib/index.js';
import { classProblem } from '../support/problems.js';

const data = classProblem(64, 4, 3);
const net = (): Sequential => new Sequential([new Linear(8), new ReLU(), new Linear(3)], { seed: 2 });
const trainerOf = (model: Sequential): Trainer => new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.05 }) });

/** Hangs for good after the first epoch. */
class Hanging extends Callback {
  readonly #before: () => void;

  constructor(before: () => void = () => undefined) {
    super();
    this.#before = before;
  }

  override onEpoch(): Promise<void> {
    this.#before();
    return new Promise(() => undefined);
  }
}

describe('a server that trains', () => {
  it('gives a callback to one fit at a time', async () => {
    const stopping = new EarlyStopping({ monitor: 'loss' });
    const first = trainerOf(net()).fit(data, { epochs: 3, callbacks: [stopping] });
    const message = 'fit: expected callbacks that serve no other fit now, got EarlyStopping twice. Make one for each.';
    await assert.rejects(trainerOf(net()).fit(data, { callbacks: [stopping] }), { name: 'StateError', message });
    await first;
    await trainerOf(net()).fit(data, { callbacks: [stopping] });
    await assert.rejects(trainerOf(net()).fit(data, { callbacks: [stopping, stopping] }), { name: 'StateError', message });
  });

  it('lets nothing be put back once the fit has ended', async () => {
    let kept: { readonly context: FitContext; readonly snapshot: Snapshot } | undefined;
    class Keeper extends Callback {
      override onStart(context: FitContext): void {
        kept = { context, snapshot: context.snapshot() };
      }
    }
    const model = net();
    await trainerOf(model).fit(data, { callbacks: [new Keeper()] });
    const before = model.weights();
    assert.throws(() => kept!.context.restore(kept!.snapshot), {
      name: 'StateError',
      message: /^restore: expected a fit that is under way/,
    });
    assert.deepEqual(model.weights(), before);
  });

  for (const [what, options] of [
    ['a callback', { callbacks: [new Hanging()] }],
    ['onProgress', { onProgress: () => new Promise(() => undefined) }],
  ] as const) {
    it(`is not held up by ${what} that hangs when it aborts`, async () => {
      const model = net();
      const controller = new AbortController();
      const fit = trainerOf(model).fit(data, { ...options, epochs: 3, signal: controller.signal });
      await setTimeout(50);
      controller.abort(new Error('enough'));
      await assert.rejects(fit, /enough/);
      await trainerOf(model).fit(data);
    });
  }

  it('is not held up by a callback that aborts and then hangs', async () => {
    const stop = new AbortController();
    const callbacks = [new Hanging(() => stop.abort())];
    await assert.rejects(trainerOf(net()).fit(data, { callbacks, signal: stop.signal }), { name: 'AbortError' });
  });

  it('goes on, whatever calls are refused while it builds its model', async () => {
    const wrong = array(new Float32Array(5), [1, 5]);
    const refusals = (model: Sequential, trainer: Trainer): Promise<unknown>[] => [
      assert.rejects(model.predict(wrong), { name: 'ShapeError' }),
      assert.rejects(trainer.evaluate({ x: wrong, y: data.y.rows(0, 1) }), { name: 'ShapeError' }),
      assert.rejects(model.predict(data.x, { batchSize: -1 }), { name: 'OptionError' }),
      assert.rejects(async () => model.predictSync(wrong), { name: 'ShapeError' }),
    ];
    const alone = net();
    await trainerOf(alone).step(data);
    const stepped = net();
    const trainer = trainerOf(stepped);
    await Promise.all([trainer.step(data), ...refusals(stepped, trainer)]);
    assert.deepEqual(stepped.weights(), alone.weights());

    const fitted = net();
    const streaming = trainerOf(fitted);
    const refused: Promise<unknown>[] = [];
    const batches = async function* (): AsyncGenerator<typeof data> {
      yield data;
      refused.push(...refusals(fitted, streaming));
      await setTimeout(5);
      refused.push(...refusals(fitted, streaming));
    };
    await streaming.fit(batches());
    await Promise.all(refused);
    assert.equal(refused.length, 8);
    assert.deepEqual(fitted.weights(), alone.weights());
    assert.deepEqual(new Sequential([fitted]).build([4]).weights().get('0.0.weight'), alone.weights().get('0.weight'));
  });

  it('is not held up by a refused call that would have built its model while it waits for data', async () => {
    const model = net();
    const batches = async function* (): AsyncGenerator<typeof data> {
      await setTimeout(10);
      yield data;
    };
    const fit = trainerOf(model).fit(batches());
    const wrong = { x: array(new Float32Array(20), [4, 5]), y: array(new Int32Array(4).fill(9)) };
    await assert.rejects(trainerOf(model).evaluate(wrong), { name: 'DataError' });
    await fit;
    assert.equal(model.weights().get('0.weight')!.shape[0], 4);
  });

  it('leaves no listener on a signal', async () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 12; i++) await trainerOf(net()).fit(data, { signal });
    assert.deepEqual(getEventListeners(signal, 'abort'), []);
  });

  it('keeps what was saved last, of saves at the same time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
    try {
      const path = join(folder, 'model');
      const model = net();
      const trainer = trainerOf(model);
      for (let round = 0; round < 10; round++) {
        const saves: Promise<void>[] = [];
        for (let i = 0; i < 3; i++) {
          await trainer.step(data);
          saves.push(model.save(path));
        }
        await Promise.all(saves);
        assert.deepEqual((await readSafetensors(path)).tensors.get('0.weight')!.data, model.weights().get('0.weight')!.data);
      }
      const [failed, saved] = await Promise.allSettled([model.save(join(folder, 'no', 'such')), model.save(path)]);
      assert.deepEqual([failed.status === 'rejected' && (failed.reason as Error).name, saved.status], ['FileError', 'fulfilled']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('trains on as if a source that failed had never been there', async () => {
    const results = await Promise.all(
      [false, true].map(async (fails) => {
        const model = net();
        const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam(), seed: 4 });
        await trainer.fit(data, { batchSize: 16 });
        const broken = (): never => {
          throw new Error('no disk');
        };
        if (fails) await assert.rejects(trainer.fit(broken), /no disk/);
        await trainer.fit(data, { batchSize: 16 });
        assert.equal(trainer.epochs, 2);
        return model.weights();
      }),
    );
    assert.deepEqual(results[0], results[1]);
  });

  it('is told of weights that would count nothing', async () => {
    const message = 'fit: expected weights of rows as sampleWeight, got sampleWeights, which would count nothing.';
    await assert.rejects(trainerOf(net()).fit({ ...data, sampleWeights: data.y } as never), { name: 'DataError', message });
    const step = trainerOf(net()).step({ ...data, weight: data.y } as never);
    await assert.rejects(step, { name: 'DataError', message: /as sampleWeight, got weight/ });
  });
});
