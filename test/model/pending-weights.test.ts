/** Weights that come before the sizes of a model are known, and what becomes of those it has no place for. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Linear, MSELoss, type NdArray, SGD, Sequential, Trainer, array, writeSafetensors } from '../../lib/index.js';

const x = array([[1, 2]]);
const data = { x, y: array([[1]]) };
const fitting = new Map([['weight', array([[3], [4]])]]);
const whole = new Map([...fitting, ['bias', array([0])]]);
const strangers = new Map([['fc.weight', array([[3], [4]])]]);
const wide = new Map([['weight', array([[3], [4], [5]])]]);

describe('weights of a model that is not built', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanewise-pending-'));
  });
  after(() => rm(folder, { recursive: true }));
  const written = async (name: string, weights: ReadonlyMap<string, NdArray>): Promise<string> => {
    const path = join(folder, name);
    await writeSafetensors(path, weights);
    return path;
  };

  for (const [name, use] of [
    ['predict', (model) => model.predict(x)],
    ['fit', (model) => new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0 }) }).fit(data)],
    ['build', async (model) => model.build([2])],
  ] as readonly (readonly [string, (model: Linear) => Promise<unknown>])[])
    it(`are refused until others are set if none is of it, in the name of the load and its file: ${name}`, async () => {
      const path = await written('strangers', strangers);
      const model = new Linear(1);
      await model.load(path, { strict: false });
      const message = `Linear.load of ${path}: expected at least one of the weights "weight", "bias", got "fc.weight". Rename them to the paths of this model.`;
      for (let i = 0; i < 3; i++)
        await assert.rejects(use(model), (error: Error) => error.name === 'StateError' && error.message.endsWith(message));
      await model.load(await written('fitting', fitting), { strict: false });
      await use(model);
      assert.deepEqual([...model.weights().get('weight')!.data], [3, 4]);
    });
  it('are those that both have, where a strict call was refused', async () => {
    const model = new Linear(1);
    model.setWeights(fitting);
    for (let i = 0; i < 2; i++) await assert.rejects(model.predict(x), { message: /missing "bias".* with { strict: false } those alone/ });
    model.setWeights(fitting, { strict: false });
    await model.predict(x);
    assert.deepEqual([...model.weights().get('weight')!.data], [3, 4]);
  });
  it('are those of the other calls, then', async () => {
    const model = new Linear(1);
    model.setWeights(fitting, { strict: false });
    model.setWeights(strangers, { strict: false });
    assert.throws(() => model.build([2]), { message: /^Linear.setWeights: expected at least one/ });
    model.setWeights(new Map([['bias', array([5])]]), { strict: false });
    assert.deepEqual([...(await model.predict(x)).data], [16]);
  });
  it('are of no account where later ones have their path', async () => {
    const model = new Linear(1);
    await model.load(await written('wide', wide), { strict: false });
    const message = /^Linear.load of .*wide: expected "weight" of shape \[2, 1\], got \[3, 1\]/;
    for (let i = 0; i < 2; i++) await assert.rejects(model.predict(x), { name: 'ShapeError', message });
    model.setWeights(fitting, { strict: false });
    await model.predict(x);
    assert.deepEqual([...model.weights().get('weight')!.data], [3, 4]);
  });
  it('stay if an input does not fit them', async () => {
    const model = new Linear(1);
    model.setWeights(whole);
    await assert.rejects(model.predict(array([[1, 2, 3]])), { name: 'ShapeError', message: /^Linear.setWeights: expected "weight"/ });
    assert.deepEqual([...(await model.predict(x)).data], [11]);
  });
  it('are refused in a model that has the layer as a part, until it or the layer has others', async () => {
    for (const mend of [
      (_model: Sequential, part: Linear) => part.setWeights(whole),
      (model: Sequential) => model.setWeights(new Map([...whole].map(([path, value]) => [`0.${path}`, value]))),
    ]) {
      const part = new Linear(1);
      part.setWeights(strangers, { strict: false });
      const model = new Sequential([part]);
      for (let i = 0; i < 2; i++) await assert.rejects(model.predict(x), { message: /^Linear.setWeights: expected at least one/ });
      mend(model, part);
      assert.deepEqual([...(await model.predict(x)).data], [11]);
    }
  });
  it('are named by the load into a built model, too', async () => {
    const path = await written('strangers', strangers);
    await assert.rejects(new Linear(1).build([2]).load(path), {
      name: 'StateError',
      message: `Linear.load of ${path}: expected weights of this architecture, got others: missing "weight", "bias", unknown "fc.weight". Load them into the model they were saved from, or with { strict: false } those alone that both have.`,
    });
  });
});
