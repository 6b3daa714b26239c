import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Linear, MSELoss, SGD, Sequential, Trainer, array } from '../../lib/index.js';
import { sample } from '../support/check-op.js';

const most = 16_000;
const model = new Sequential([...Array.from({ length: 6 }, () => new Linear(300)), new Linear(1)]).build([64]);
const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0 }) });
const all = { x: sample([most, 64]), y: array(new Float32Array(most), [most, 1]) };
/** As many rows as keep this machine busy for a while. */
let data = all;
const reason = new Error('the client has gone');

const calls: readonly (readonly [string, (signal: AbortSignal) => Promise<unknown>])[] = [
  ['predict', (signal) => model.predict(data.x, { signal, batchSize: most })],
  ['predict in batches', (signal) => trainer.predict(data.x, { signal })],
  ['evaluate', (signal) => trainer.evaluate(data, { signal })],
  [
    'evaluate of batches',
    (signal) =>
      trainer.evaluate(
        Array.from({ length: 20 }, () => data),
        { signal },
      ),
  ],
  ['evaluate of a source that hangs', (signal) => trainer.evaluate(() => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) }), { signal })], // prettier-ignore
];

describe('an abort', () => {
  let whole = 0;
  before(async () => {
    for (let rows = 1000; rows <= most && whole < 250; rows *= 2) {
      data = { x: all.x.rows(0, rows), y: all.y.rows(0, rows) };
      const begin = performance.now();
      await model.predict(data.x, { batchSize: most });
      whole = performance.now() - begin;
    }
  });

  for (const [name, call] of calls) {
    it(`ends ${name} with its reason, long before the end`, async () => {
      const abort = new AbortController();
      const begin = performance.now();
      const ended = assert.rejects(call(abort.signal), reason);
      await setTimeout(2);
      abort.abort(reason);
      await ended;
      const milliseconds = performance.now() - begin;
      assert.ok(milliseconds < 0.75 * whole, `${milliseconds} of ${whole} ms`);
      assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
      // One that was before the call.
      await assert.rejects(call(abort.signal), reason);
    });
  }
  it('that does not come changes nothing', async () => {
    const { signal } = new AbortController();
    const few = { x: data.x.rows(0, 200), y: data.y.rows(0, 200) };
    assert.deepEqual(await model.predict(few.x, { signal }), await model.predict(few.x));
    assert.deepEqual(await trainer.evaluate(few, { signal }), await trainer.evaluate(few));
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });
  it('of one signal ends many calls, with one listener', async () => {
    const abort = new AbortController();
    const results = Array.from({ length: 30 }, () => model.predict(data.x.rows(0, 1000), { signal: abort.signal }));
    assert.equal(getEventListeners(abort.signal, 'abort').length, 1);
    abort.abort(reason);
    for (const result of results) await assert.rejects(result, reason);
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  });
  it('leaves a model that was not built free for other sizes', async () => {
    const fresh = new Sequential([new Linear(2)]);
    const abort = new AbortController();
    const result = fresh.predict(data.x, { signal: abort.signal });
    abort.abort(reason);
    await assert.rejects(result, reason);
    assert.deepEqual((await fresh.predict(sample([3, 5]))).shape, [3, 2]);
  });
  it('is none of predictSync, and must be a signal', async () => {
    const { signal } = new AbortController();
    assert.throws(() => model.predictSync(data.x, { signal } as never), { name: 'OptionError', message: /^predictSync: expected options among batchSize, got signal/ }); // prettier-ignore
    await assert.rejects(model.predict(data.x, { signal: {} as never }), { name: 'OptionError', message: /^predict: expected an AbortSignal for signal/ }); // prettier-ignore
  });
});
