/** What may be done while steps of a trainer run, on its model and on those that share layers with it. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Layer, Linear, MSELoss, type NdArray, SGD, Sequential, Trainer, type TrainerOptions, array } from '../../lib/index.js';
import { sample } from '../support/check-op.js';

const rows = 4096;
const x = sample([rows, 64]);
const y = array(new Float32Array(rows).fill(5), [rows, 1]);
const few = { x: x.rows(0, 8), y: y.rows(0, 8) };

const trainerOf = (model: Layer, options: Partial<TrainerOptions> = {}): Trainer =>
  new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 1e-6 }), ...options });

/** Calls `task` while steps of the trainer run. */
async function whileRunning(model: Layer, trainer: Trainer, task: (until: Until) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  let isOver = false;
  const fit = trainer.fit({ x, y }, { epochs: 1e6, batchSize: 1, signal: stop.signal }).finally(() => (isOver = true));
  const aborted = assert.rejects(fit, { name: 'AbortError' });
  const until: Until = async (holds) => {
    while (!isOver && !holds()) await setImmediate();
  };
  try {
    await until(() => model.model.isChanging);
    await task(until);
  } finally {
    stop.abort();
    await aborted;
  }
}

/** Waits for something while the steps go on. */
type Until = (holds: () => boolean) => Promise<void>;

describe('a checkpoint of one trainer', () => {
  it('is refused while another changes the model', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    const path = join(folder, 'run.safetensors');
    const model = new Sequential([new Linear(64), new Linear(1)]);
    const trainer = trainerOf(model);
    await trainer.step(few);
    await whileRunning(model, trainerOf(model), () =>
      assert.rejects(trainer.save(path), {
        name: 'StateError',
        message: 'Trainer.save: expected no step to be running, got one. Await the fit, or call it from a callback.',
      }),
    );
    assert.deepEqual(await readdir(folder), []);
    await trainer.save(path);
    await rm(folder, { recursive: true });
  });
});

describe('a layer of a model whose steps run', () => {
  const encoderOf = (model: Layer): NdArray => (model.weights() as Map<string, NdArray>).get('encoder.weight')!;

  it('has those of the present in another model', async () => {
    const encoder = new Linear(64);
    const whole = new Sequential({ encoder, head: new Linear(1) });
    const trainer = trainerOf(whole);
    await trainer.step(few);
    const other = new Sequential({ encoder });
    await other.predict(few.x);
    await whileRunning(whole, trainer, async (until) => {
      const { data } = await other.predict(few.x);
      const before = encoderOf(other); // Not before data: those may be of a later step.
      await until(() => encoderOf(whole).data.some((value, i) => value !== before.data[i]));
      await until(() => whole.model.isChanging);
      assert.notDeepEqual(encoderOf(other), before);
      assert.notDeepEqual((await other.predict(few.x)).data, data);
    });
    assert.deepEqual(encoderOf(other), encoderOf(whole));
  });

  it('is read by steps of another model where it is frozen', async () => {
    const encoder = new Linear(64);
    const whole = new Sequential({ encoder, head: new Linear(1) });
    const trainer = trainerOf(whole);
    await trainer.step(few);
    const other = new Sequential({ encoder, head: new Linear(1) }, { seed: 1 });
    const head = trainerOf(other, { frozen: ['encoder'] });
    await head.step(few);
    const before = other.weights();
    await whileRunning(whole, trainer, async (until) => {
      await until(() => whole.model.isChanging);
      for (let step = 0; step < 20; step++) await head.step(few);
      await assert.rejects(trainerOf(other).step(few), {
        name: 'StateError',
        message: /^step: expected a Sequential whose weights no other/u,
      });
      assert.throws(() => other.setWeights(before), { name: 'StateError', message: /^setWeights: expected a model that is not training/u });
    });
    assert.notDeepEqual(other.weights().get('head.weight'), before.get('head.weight'));
    assert.deepEqual(encoderOf(other), encoderOf(whole));
  });
});

describe('gradients that a fit accumulates', () => {
  for (const call of ['gradients', 'zeroGradients'] as const)
    it(`are not for ${call}`, async () => {
      const trainer = trainerOf(new Linear(1));
      let asked = 0;
      await trainer.fit(
        function* () {
          for (let i = 0; i < 4; i++) {
            assert.throws(() => trainer[call](), {
              name: 'StateError',
              message: `Trainer.${call}: expected no step to be running, got one. Await the fit, or call it from a callback.`,
            });
            asked++;
            yield few;
          }
        },
        { accumulate: 4 },
      );
      assert.deepEqual([asked, trainer.steps, trainer.updates], [4, 4, 1]);
    });
});
