/** What a fit is stopped by, when, and what it waits for. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import {
  type Batch,
  Callback,
  CrossEntropyLoss,
  type FitOptions,
  Linear,
  ReLU,
  SGD,
  Sequential,
  type Trainer,
  array,
} from '../../lib/index.js';
import { classProblem, zeros } from '../support/problems.js';
import { trainerOf } from '../support/trainer.js';

describe('a fit in time', () => {
  const net = (): Sequential => new Sequential([new Linear(64), new ReLU(), new Linear(3)]);
  const data = classProblem(512, 4, 3);
  it('is stopped by what a report throws, with that error', async () => {
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss() });
    const failure = new Error('no screen');
    const onProgress = (): never => {
      throw failure;
    };
    await assert.rejects(trainer.fit(classProblem(100_000, 4, 3), { batchSize: 1, onProgress }), failure);
    assert.ok(trainer.steps > 0 && trainer.steps < 100_000, String(trainer.steps));
    // Steps so long that the first report comes while they run.
    const large = trainerOf(new Sequential([new Linear(2048), new ReLU(), new Linear(3)]), { loss: new CrossEntropyLoss() });
    await assert.rejects(large.fit(classProblem(100_000, 4, 3), { batchSize: 64, onProgress }), failure);
    assert.ok(large.steps > 0 && large.steps < 1000, String(large.steps));
  });
  it('is stopped by a report that is rejected, of batches as they come too', async () => {
    const failure = new Error('no database');
    const onProgress = (): Promise<void> => setImmediate().then(() => Promise.reject(failure));
    const feeds: readonly (readonly [Batch | readonly Batch[], FitOptions])[] = [
      [classProblem(100_000, 4, 3), { batchSize: 1 }],
      [[data], {}],
    ];
    for (const [feed, options] of feeds) {
      const trainer = trainerOf(net(), { loss: new CrossEntropyLoss() });
      await assert.rejects(trainer.fit(feed, { ...options, onProgress }), failure);
      assert.ok(trainer.steps > 0 && trainer.steps < 100_000, String(trainer.steps));
    }
  });
  it('is aborted while a source of batches keeps it waiting', async () => {
    let closed = false;
    const abort = new AbortController();
    async function* hanging(): AsyncGenerator<Batch> {
      try {
        yield data;
        setTimeout(() => abort.abort(new Error('enough')), 5);
        await new Promise(() => undefined);
      } finally {
        closed = true;
      }
    }
    await assert.rejects(trainerOf(net(), { loss: new CrossEntropyLoss() }).fit(hanging, { signal: abort.signal }), { message: 'enough' });
    assert.equal(closed, false);
  });
  it('closes a source that it leaves early', async () => {
    let closed = false;
    function* two(): Generator<Batch> {
      try {
        yield data;
        yield { x: zeros(4, 9), y: data.y };
      } finally {
        closed = true;
      }
    }
    await assert.rejects(trainerOf(net(), { loss: new CrossEntropyLoss() }).fit(two), { name: 'ShapeError' });
    assert.ok(closed);
  });
  it('is aborted with its reason though the source fails as it is closed', async () => {
    const abort = new AbortController();
    const endless: Iterable<Batch> = {
      [Symbol.iterator]: () => ({
        next: () => ({ done: false, value: data }),
        return: () => {
          throw new Error('of the source');
        },
      }),
    };
    setTimeout(() => abort.abort(new Error('enough')), 5);
    await assert.rejects(trainerOf(net(), { loss: new CrossEntropyLoss() }).fit(endless, { signal: abort.signal }), { message: 'enough' });
  });
  it('is aborted within its last validation', async () => {
    const abort = new AbortController();
    const rows = 400_000;
    const validation = { x: zeros(rows, 4), y: array(new Int32Array(rows)) };
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss() });
    let trained = false;
    const onProgress = (): void => {
      if (!trained) setTimeout(() => abort.abort(new Error('enough')), 5);
      trained = true;
    };
    await assert.rejects(trainer.fit(data, { batchSize: 512, validation, signal: abort.signal, onProgress }), { message: 'enough' });
  });
  it('is aborted in debug mode, and counts the steps before the first NaN', async () => {
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss() });
    const signal = AbortSignal.timeout(30);
    await assert.rejects(trainer.fit(data, { epochs: 1e6, debug: true, signal }), { name: 'TimeoutError' });
    const x = array(data.x.data.slice(), data.x.shape);
    x.data[4 * 70] = NaN;
    const fresh = trainerOf(net(), { loss: new CrossEntropyLoss() });
    await assert.rejects(fresh.fit({ x, y: data.y }, { batchSize: 32, shuffle: false, debug: true }), {
      name: 'DataError',
      message: /in step 2,/,
    });
    assert.equal(fresh.steps, 2);
  });
  it('takes arrays as they are when it begins, those of the validation too', async () => {
    const y = array(data.y.data.slice());
    const x = array(data.x.data.slice(), data.x.shape);
    class Take extends Callback {
      override onStart(): void {
        structuredClone(x.data.buffer, { transfer: [x.data.buffer, y.data.buffer] });
      }
    }
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0 }) });
    const expected = await trainer.evaluate(data);
    const { last } = await trainer.fit(data, { epochs: 2, validation: { x, y }, callbacks: [new Take()] });
    assert.equal(last!.metrics.valLoss, (await trainer.evaluate(data, { batchSize: 256 })).loss);
    const call = trainer.evaluate({ x: array(data.x.data.slice(), data.x.shape), y: array(data.y.data) });
    assert.equal((await call).loss, expected.loss);
  });
  it('is aborted by its last callback', async () => {
    const abort = new AbortController();
    class Last extends Callback {
      override onEpoch(): void {
        abort.abort(new Error('enough'));
      }
    }
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss() });
    await assert.rejects(trainer.fit(data, { callbacks: [new Last()], signal: abort.signal }), { message: 'enough' });
  });
  it('begins with weights of its own seed, whatever is called first', async () => {
    const first = async (call: (trainer: Trainer) => Promise<unknown>): Promise<unknown> => {
      const model = net();
      await call(trainerOf(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0 }), seed: 7 }));
      return model.weights();
    };
    const weights = await first((trainer) => trainer.predict(data.x));
    assert.deepEqual(await first((trainer) => trainer.fit(data)), weights);
    assert.deepEqual(await first((trainer) => trainer.evaluate(data)), weights);
  });
  for (const [result, kind] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [7, 'number'],
  ] as const)
    // prettier-ignore
    it(`refuses an iterator that gives no results: ${kind}`, () =>
      assert.rejects(trainerOf(net()).fit({ [Symbol.asyncIterator]: () => ({ next: async () => result as never }) }), {
        name: 'DataError',
        message: `fit epoch 1: expected an iterator whose next() gives { value, done }, got ${kind}.`,
      }));
});
