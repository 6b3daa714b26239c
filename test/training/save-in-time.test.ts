/** A checkpoint of a training that nobody waits for. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Callback, Linear, MSELoss, SGD, Trainer } from '../../lib/index.js';
import { linearProblem } from '../support/problems.js';

const refused = {
  name: 'StateError',
  message: 'Trainer.save: expected no step to be running, got one. Await the fit, or call it from a callback.',
} as const;

describe('Trainer.save', () => {
  const data = linearProblem(16, 2);
  let folder: string;
  let path: string;
  let trainer: Trainer;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    path = join(folder, 'run.safetensors');
    trainer = new Trainer(new Linear(1).build([2]), { loss: new MSELoss(), optimizer: new SGD() });
  });
  afterEach(() => rm(folder, { recursive: true }));

  const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['a fit', () => trainer.fit(data, { epochs: 2 })],
    ['a fit on batches as they come', () => trainer.fit([data], { epochs: 2 })],
    ['a step', () => trainer.step(data)],
  ];
  for (const [name, call] of calls)
    it(`is refused from the call of ${name} on, until it is over`, async () => {
      const run = call();
      await assert.rejects(trainer.save(path), refused);
      await run;
      assert.deepEqual(await readdir(folder), []);
      await trainer.save(path);
      assert.deepEqual(await readdir(folder), ['run.safetensors']);
    });

  it('is refused while an update runs', async () => {
    await trainer.step(data, { update: false });
    const run = trainer.update();
    await assert.rejects(trainer.save(path), refused);
    await run;
  });

  it('is refused within an epoch', async () => {
    const saves: Promise<void>[] = [];
    const save = (): void => void saves.push(assert.rejects(trainer.save(path), refused));
    await trainer.fit(function* () {
      yield data;
      save();
      yield data;
    });
    await Promise.all(saves);
    assert.equal(saves.length, 1);
  });

  it('is right in each callback, and after a fit that was refused', async () => {
    const saved: string[] = [];
    const save = async (name: string): Promise<void> => {
      await trainer.save(join(folder, name));
      saved.push(name);
    };
    class Saving extends Callback {
      override onStart = (): Promise<void> => save('start');
      override onEpoch = (): Promise<void> => save('epoch');
      override onEnd = (): Promise<void> => save('end');
    }
    await trainer.fit(data, { callbacks: [new Saving()], validation: data });
    assert.deepEqual(saved, ['start', 'epoch', 'end']);
    await assert.rejects(trainer.fit({ x: data.x, y: linearProblem(8, 2).y }));
    await save('after');
  });
});
