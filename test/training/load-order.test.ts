/** Loads and other calls that set or train weights, at the same time. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Batch, Adam, Linear, MSELoss, Sequential, Trainer, array } from '../../lib/index.js';

const width = 800;
const data: Batch = { x: array(new Float32Array(width), [1, width]), y: array(new Float32Array(width), [1, width]) };
const make = (seed: number): Sequential => new Sequential([new Linear(width)], { seed });
const trainerOf = (model: Sequential): Trainer => new Trainer(model, { loss: new MSELoss(), optimizer: new Adam() });
const valuesOf = (model: Sequential): Float32Array => model.weights().get('0.weight')!.data;

describe('loads at the same time', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
  after(() => rmSync(folder, { recursive: true }));
  const [large, small] = [join(folder, 'large.safetensors'), join(folder, 'small.safetensors')];
  let trained: Float32Array;
  const fresh = make(2).build([width]);

  before(async () => {
    // A checkpoint, which takes longer to read than the weights alone.
    const trainer = trainerOf(make(1));
    await trainer.step(data);
    await trainer.save(large);
    const model = make(3);
    await model.load(large);
    trained = valuesOf(model);
    await fresh.save(small);
  });

  for (const isBuilt of [true, false]) {
    const model = (): Sequential => (isBuilt ? make(4).build([width]) : make(4));
    const which = isBuilt ? 'a built model' : 'a model that is not built';

    it(`leave what the last call read: ${which}`, async () => {
      for (const [one, other, expected] of [
        [large, small, valuesOf(fresh)],
        [small, large, trained],
      ] as const) {
        const loaded = model();
        await Promise.all([loaded.load(one), loaded.load(other)]);
        assert.deepEqual(valuesOf(loaded), expected);
      }
    });

    it(`of a trainer and of its model, too: ${which}`, async () => {
      const loaded = model();
      const trainer = trainerOf(loaded);
      await Promise.all([trainer.load(large), loaded.load(small)]);
      assert.deepEqual(valuesOf(loaded), valuesOf(fresh));
      await Promise.all([loaded.load(small), trainer.load(large)]);
      assert.deepEqual(valuesOf(loaded), trained);
      assert.equal(trainer.steps, 1);
    });
  }

  it('give way to weights set meanwhile, built or not', async () => {
    for (const model of [make(4), make(4).build([width])]) {
      const loading = assert.rejects(model.load(large), { name: 'StateError', message: /^load: expected weights that nobody sets/ });
      model.setWeights(fresh.weights());
      await loading;
      model.build([width]);
      assert.deepEqual(valuesOf(model), valuesOf(fresh));
    }
  });

  it('of parts of one model go one after another, and give way to weights set in any of them', async () => {
    const parts = (): readonly [Linear, Linear, Sequential] => {
      const [first, second] = [new Linear(width), new Linear(width)];
      return [first, second, new Sequential([first, second], { seed: 5 }).build([width])];
    };
    const [a, b, whole] = parts();
    const file = join(folder, 'part.safetensors');
    await a.save(file);
    const expected = a.weights().get('weight')!.data.slice();
    const [first, second, both] = parts();
    both.setWeights(new Map([...whole.weights()].map(([path, { data, shape }]) => [path, array(new Float32Array(data.length), shape)])));
    await Promise.all([first.load(file), second.load(file)]);
    for (const part of [first, second]) assert.deepEqual(part.weights().get('weight')!.data, expected);
    const loading = assert.rejects(first.load(file), { name: 'StateError', message: /^load: expected weights that nobody sets or trains/ });
    second.setWeights(b.weights());
    await loading;
    assert.deepEqual(second.weights().get('weight')!.data, b.weights().get('weight')!.data);
  });

  it('go on after one that failed', async () => {
    const model = make(4);
    const [one, other] = await Promise.allSettled([model.load(join(folder, 'none')), model.load(small)]);
    assert.deepEqual([one.status, other.status], ['rejected', 'fulfilled']);
    assert.deepEqual(valuesOf(model), valuesOf(fresh));
  });

  const message = /load: expected weights that nobody sets or trains while others are loaded, got changed ones\. Await the load first\.$/;

  it('give way to weights that are set meanwhile', async () => {
    const model = make(4).build([width]);
    const trainer = trainerOf(model);
    for (const load of [() => model.load(large), () => trainer.load(large)]) {
      const loading = load();
      model.setWeights(fresh.weights());
      await assert.rejects(loading, { name: 'StateError', message });
      assert.deepEqual([valuesOf(model), trainer.steps], [valuesOf(fresh), 0]);
    }
  });

  it('are refused, by their name, where training begins before they are done', async () => {
    const model = make(4).build([width]);
    const trainer = trainerOf(model);
    for (const [load, name] of [
      [() => model.load(large), 'load'],
      [() => trainer.load(large), 'Trainer.load'],
    ] as const) {
      const loading = load();
      const training = trainer.fit(data, { epochs: 100 });
      await assert.rejects(loading, { name: 'StateError', message: new RegExp(`^${name}: expected a model that is not training`) });
      await training;
    }
  });
});
