/** Files are written and read while the event loop goes on, and hold what there was at one moment. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Adam, Callback, Linear, MSELoss, Sequential, Trainer, array, readSafetensors } from '../../lib/index.js';
import { sample } from '../support/check-op.js';

const width = 1200;
const data = { x: sample([4, width]), y: array(new Float32Array(4 * width), [4, width]) };
/** 5.8 MB of weights, and twice as much of slots. */
const make = (seed = 1): { model: Sequential; trainer: Trainer } => {
  const model = new Sequential([new Linear(width)], { seed }).build([width]);
  return { model, trainer: new Trainer(model, { loss: new MSELoss(), optimizer: new Adam({ lr: 0.01 }) }) };
};
const values = (model: Sequential): Float32Array => model.weights().get('0.weight')!.data;

async function turnsOf(work: Promise<unknown>): Promise<number> {
  let [turns, isOver] = [0, false];
  const over = work.finally(() => (isOver = true));
  for (; !isOver; turns++) await setImmediate();
  await over;
  return turns;
}

describe('files beside the event loop', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
  after(() => rmSync(folder, { recursive: true }));
  const [file, other] = [join(folder, 'a.safetensors'), join(folder, 'b.safetensors')];

  it('hold weights and slots of the moment of the call, whatever is trained or set right after it', async () => {
    const { model, trainer } = make();
    await trainer.step(data);
    await trainer.save(file);
    for (const change of [
      () => trainer.fit(data, { epochs: 3 }),
      () => trainer.step(data),
      async () => model.setWeights(make(2).model.weights()),
    ]) {
      await trainer.load(file);
      const saved = trainer.save(other);
      const weights = values(model);
      await change();
      await saved;
      const [expected, got] = [await readSafetensors(file), await readSafetensors(other)];
      assert.deepEqual(got, expected);
      const lone = model.save(other);
      const now = values(model);
      await change();
      await lone;
      assert.deepEqual((await readSafetensors(other)).tensors.get('0.weight')!.data, now);
      assert.notDeepEqual(now, weights);
    }
  });

  it('are of one step when written from a callback that does not wait for them', async () => {
    const { model, trainer } = make();
    const saves: Promise<void>[] = [];
    class Saver extends Callback {
      override onEpoch(): void {
        saves.push(trainer.save(join(folder, `${saves.length}.safetensors`)));
      }
    }
    await trainer.fit(data, { epochs: 3, shuffle: false, callbacks: [new Saver()] });
    await Promise.all(saves);
    // From each it is as far to the same end.
    for (const [i, epochs] of [2, 1].entries()) {
      const { model: resumed, trainer: rest } = make(3);
      await rest.load(join(folder, `${i}.safetensors`));
      assert.equal(rest.steps, i + 1);
      await rest.fit(data, { epochs, shuffle: false });
      assert.deepEqual(values(resumed), values(model));
    }
  });

  for (const who of ['model', 'trainer'] as const)
    it(`hold a model as it was built at the call, though it is built for other sizes meanwhile: ${who}`, async () => {
      const model = new Sequential([new Linear(3), new Linear(1)], { seed: 1 });
      const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new Adam() });
      const stop = new AbortController();
      const aborted = assert.rejects(model.predict(sample([4, 5]), { signal: stop.signal }), { name: 'AbortError' });
      const saved = (who === 'model' ? model : trainer).save(file);
      stop.abort();
      await aborted;
      await model.predict(sample([4, 2]));
      await saved;
      const fresh = new Sequential([new Linear(3), new Linear(1)], { seed: 2 });
      await (who === 'model' ? fresh : new Trainer(fresh, { loss: new MSELoss(), optimizer: new Adam() })).load(file);
      assert.deepEqual(fresh.weights(), new Sequential([new Linear(3), new Linear(1)], { seed: 1 }).build([5]).weights());
    });

  it('let the event loop turn', async () => {
    const { model, trainer } = make();
    await trainer.step(data);
    await trainer.save(file);
    for (const work of [() => trainer.load(file), () => trainer.save(other), () => model.save(other), () => model.load(file)])
      assert.ok((await turnsOf(work())) >= 2);
  });

  it('are refused where a fit begins before they are read, and nothing is changed', async () => {
    const { model, trainer } = make();
    await trainer.step(data);
    await trainer.save(file);
    for (const load of [() => trainer.load(file), () => model.load(file)]) {
      const loading = assert.rejects(load(), { name: 'StateError', message: /expected a model that is not training/ });
      const { steps } = trainer;
      await trainer.fit(data, { epochs: 60 });
      await loading;
      assert.equal(trainer.steps, steps + 60);
    }
  });
});
