import assert from 'node:assert/strict';
import { CrossEntropyLoss, Linear, MSELoss, ReLU, SGD, Sequential, Trainer, accuracy, array } from '../../lib/index.js';
import type { Batch, FitOptions } from '../../lib/index.js';
import { classProblem } from '../support/problems.js';

const good = classProblem(32, 4, 3);
const network = (): Sequential => new Sequential([new Linear(8), new ReLU(), new Linear(3)], { seed: 1 });

/** fit must be refused with this message and leave the model as it was and usable. */
async function refuses(data: Batch, options: FitOptions, name: string, message: RegExp): Promise<void> {
  const model = network().build([4]);
  const before = [...model.weights().values()].map((value) => [...value.data]);
  const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD() });
  await assert.rejects(trainer.fit(data, options), { name, message });
  assert.deepEqual(
    [...model.weights().values()].map((value) => [...value.data]),
    before,
  );
  await trainer.fit(good);
}

describe('bad input to fit', () => {
  it('refuses different numbers of rows', () =>
    refuses(
      { x: good.x, y: good.y.rows(0, 31) },
      {},
      'ShapeError',
      /expected the same number of rows in all arrays, got \[32, 4\] and \[31\]/,
    ));
  it('refuses empty data', () =>
    refuses({ x: good.x.rows(0, 0), y: good.y.rows(0, 0) }, {}, 'DataError', /expected at least one row, got none/));
  it('refuses rows of another size', () =>
    refuses(
      { x: array(new Float32Array(96), [32, 3]), y: good.y },
      {},
      'ShapeError',
      /expected input of shape \[N, 4\] as the model was built, got \[N, 3\]/,
    ));
  it('refuses labels out of range with their row', () => {
    const y = array(good.y.data.slice());
    y.data[17] = 3;
    return refuses({ x: good.x, y }, {}, 'DataError', /17/);
  });
  it('refuses bad labels of the validation data before training', () => {
    const y = array(good.y.data.slice());
    y.data[2] = -1;
    return refuses(good, { validation: { x: good.x, y } }, 'DataError', /validation.*2/);
  });
  it('refuses NaN when asked to check', () => {
    const x = array(good.x.data.slice(), good.x.shape);
    x.data[4 * 5 + 2] = NaN;
    return refuses({ x, y: good.y }, { checkFinite: true }, 'DataError', /got NaN in row 5 at element 2/);
  });
  it('says what to do with one number a row', async () => {
    const model = new Sequential([new Linear(2)]);
    await assert.rejects(model.predict(array([1, 2, 3])), {
      name: 'ShapeError',
      message: 'Linear "0": expected x of rank ≥ 2 [N, ..., I], got [3]. Reshape it: one number a row to [N, 1], a row alone to [1, I].',
    });
    assert.deepEqual((await model.predict(array([[1], [2], [3]]))).shape, [3, 2]);
  });
  it('refuses a detached buffer', () => {
    const data = good.x.data.slice();
    const x = array(data, good.x.shape);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    return refuses({ x, y: good.y }, {}, 'StateError', /its buffer was detached or resized/);
  });
  it('refuses unknown options', () => refuses(good, { epoch: 3 } as FitOptions, 'OptionError', /got epoch/));
  it('refuses epochs and batch sizes that are no whole numbers', async () => {
    await refuses(good, { epochs: 0 }, 'OptionError', /whole number ≥ 1 for epochs, got 0/);
    await refuses(good, { batchSize: 1.5 }, 'OptionError', /whole number ≥ 1 for batchSize, got 1\.5/);
  });

  it('refuses a second fit on a model that is training', async () => {
    const model = network();
    const options = { loss: new CrossEntropyLoss(), optimizer: new SGD() };
    const first = new Trainer(model, options).fit(good, { epochs: 200 });
    await assert.rejects(new Trainer(model, options).fit(good), { name: 'StateError', message: /not training/ });
    assert.throws(() => model.setWeights(new Map()), { name: 'StateError', message: /not training/ });
    await first;
  });

  it('refuses unknown trainer options, a missing loss and two metrics of one name', () => {
    const loss = new MSELoss();
    const optimizer = new SGD();
    assert.throws(() => new Trainer(network(), { loss, optimizer, metric: [] } as never), { name: 'OptionError', message: /got metric/ });
    assert.throws(() => new Trainer(network(), { optimizer } as never), { name: 'OptionError', message: /a Loss with forward for loss/ });
    assert.throws(() => new Trainer(network(), { loss, optimizer, clipNorm: -1 }), { name: 'OptionError', message: /clipNorm/ });
    assert.throws(() => new Trainer(network(), { loss, optimizer, metrics: [accuracy(), accuracy()] }), {
      name: 'OptionError',
      message: /different names/,
    });
  });

  it('refuses a generator that is used up after the first epoch', async () => {
    const trainer = new Trainer(network(), { loss: new CrossEntropyLoss(), optimizer: new SGD() });
    async function* once(): AsyncGenerator<Batch> {
      yield good;
    }
    await assert.rejects(trainer.fit(once(), { epochs: 2 }), {
      name: 'DataError',
      message: /^fit epoch 2: expected at least one batch, got none/,
    });
  });

  it('refuses a model without parameters', async () => {
    const trainer = new Trainer(new Sequential([new ReLU()]), { loss: new MSELoss(), optimizer: new SGD() });
    await assert.rejects(trainer.fit({ x: good.x, y: good.x }), { name: 'StateError', message: /a model with parameters/ });
  });

  it('names the layer that cannot take its input', async () => {
    const model = new Sequential({ first: new Linear(8), second: new Sequential([new Linear(2)]) });
    await assert.rejects(
      model.predict(array(new Float32Array(2), [2])).then(() => model.predict(array(new Float32Array(4), [2, 2]))),
      { name: 'ShapeError' },
    );
  });
});
