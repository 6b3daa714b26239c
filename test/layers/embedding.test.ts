import assert from 'node:assert/strict';
import { Adagrad, Adam, CrossEntropyLoss, Embedding, type EmbeddingOptions, Flatten, Linear, type Optimizer, SGD, Sequential, Trainer, array, filled } from '../../lib/index.js'; // prettier-ignore
import { assertGradients } from '../support/layer.js';
import { type Packed, assertClose, readFixture, unpack } from '../support/fixtures.js';

interface EmbeddingFixture extends EmbeddingOptions {
  readonly name: 'SGD' | 'Adam' | 'Adagrad';
  readonly rows: number;
  readonly ids: Packed;
  readonly targets: Packed;
  readonly start: Readonly<Record<string, Packed>>;
  readonly losses: readonly number[];
  readonly end: Readonly<Record<string, Packed>>;
}

const optimizers: Readonly<Record<EmbeddingFixture['name'], () => Optimizer>> = {
  SGD: () => new SGD({ lr: 0.1 }),
  Adam: () => new Adam({ lr: 0.05, eps: 1e-16 }),
  Adagrad: () => new Adagrad({ lr: 0.1 }),
};

/**
 * A gradient passes sums of 12 and 3 products and adds up at most 6 rows: some 21 roundings of half a unit, of which the learning rate
 * lets a tenth into the parameters; the parameter's own rounding and those of Adam's rule, whose step has the size of the rate, make
 * it 4 a step.
 */
const ulpsPerStep = 4;
/** Of the loss in the first step: a product of 12, exp and log. */
const ulpsOfLoss = 16;

describe('a network with an embedding against PyTorch', () => {
  for (const { name, rows, ids, targets, start, losses, end, ...options } of readFixture<readonly EmbeddingFixture[]>('embeddings')) {
    it(`${name}, a table of ${rows} rows, ${JSON.stringify(options)}, ${losses.length} steps`, async () => {
      const model = new Sequential({ words: new Embedding(rows, 4, options), flat: new Flatten(), head: new Linear(3) });
      model.build([3], { dtypes: ['int32'] });
      model.setWeights(new Map(Object.entries(start).map(([path, value]) => [path, unpack(value)])));
      const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: optimizers[name]() });
      for (const [step, expected] of losses.entries()) {
        const x = array(Int32Array.from(ids.data.slice(step * 6, (step + 1) * 6)), [2, 3]);
        const { loss } = await trainer.step({ x, y: array(Int32Array.from(targets.data.slice(step * 2, (step + 1) * 2))) });
        const tolerance = (ulpsOfLoss + ulpsPerStep * step) * 2 ** -23 * Math.max(1, expected);
        assert.ok(Math.abs(loss - expected) <= tolerance, `step ${step}: expected ${expected}, got ${loss}`);
      }
      const weights = model.weights();
      for (const [path, expected] of Object.entries(end)) assertClose(weights.get(path)!, expected, ulpsPerStep * losses.length, path);
    });
  }
});

const ids = array(Int32Array.of(2, 0, 2, 1), [2, 2]);

describe('Embedding', () => {
  it('has the gradient of differences', () => assertGradients(new Embedding(3, 4), [ids], { training: true }));
  it('gives the rows of its ids', async () => {
    const model = new Embedding(3, 2, { weightInit: () => Float32Array.of(1, 2, 3, 4, 5, 6) });
    const y = await model.predict(ids);
    assert.deepEqual([y.shape, [...y.data]], [[2, 2, 2], [5, 6, 1, 2, 5, 6, 3, 4]]); // prettier-ignore
  });
  it('starts with normal numbers', () => {
    const values = new Embedding(1000, 20)
      .build([], { dtypes: ['int32'] })
      .weights()
      .get('weight')!.data;
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    // Five standard deviations of the mean and of the variance of 20,000 numbers.
    assert.ok(Math.abs(mean) < 5 / Math.sqrt(20000) && Math.abs(variance - 1) < 5 * Math.sqrt(2 / 20000), `${mean} ${variance}`);
  });
  it('starts with a row of zeros for padding', () => {
    const model = new Embedding(3, 2, { paddingIndex: 1, weightInit: filled(7) }).build([2], { dtypes: ['int32'] });
    assert.deepEqual([...model.weights().get('weight')!.data], [7, 7, 0, 0, 7, 7]);
  });

  const wrong: readonly (readonly [() => unknown, string])[] = [
    [() => new Embedding(0, 2), 'Embedding: expected a whole number ≥ 1 for numEmbeddings, got 0.'],
    [() => new Embedding(2, 1.5), 'Embedding: expected a whole number ≥ 1 for embeddingDim, got 1.5.'],
    [() => new Embedding(2, 2, { paddingIndex: -1 }), 'Embedding: expected a whole number ≥ 0 for paddingIndex, got -1.'],
    [() => new Embedding(2, 2, { paddingIndex: 2 }), 'Embedding: expected paddingIndex below numEmbeddings 2, got 2.'],
    // @ts-expect-error of the wrong kind
    [() => new Embedding(2, 2, { sparse: 1 }), 'Embedding: expected true or false for sparse, got 1.'],
    // @ts-expect-error of the wrong kind
    [() => new Embedding(2, 2, { weightInit: 0 }), 'Embedding: expected a function for weightInit, got 0.'],
  ];
  for (const [make, message] of wrong) it(message, () => assert.throws(make, { name: 'OptionError', message }));

  it('wants int32 ids', () =>
    assert.throws(() => new Sequential({ words: new Embedding(3, 2) }).build([2]), {
      name: 'DTypeError',
      message: 'Embedding "words": expected int32 ids, got float32. Give them as an Int32Array: bytes are taken for numbers.',
    }));
  it('names the layer and the place of an id outside the table, and leaves the weights alone', async () => {
    const model = new Sequential({ words: new Embedding(3, 2), flat: new Flatten(), head: new Linear(2) });
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }) });
    const y = array(Int32Array.of(0, 1));
    await trainer.step({ x: ids, y });
    const before = model.weights();
    const bad = array(Int32Array.of(2, 0, 3, -1), [2, 2]);
    await assert.rejects(trainer.step({ x: bad, y }), {
      name: 'DataError',
      message: 'step: expected 0 … 2 in input 0 for Embedding "words", got 3 at row 1 [0].',
    });
    await assert.rejects(model.predict(bad), {
      name: 'DataError',
      message: 'Embedding "words": gatherRows: expected an index in 0 … 2, got 3 at position [1, 0] in step 0.',
    });
    assert.deepEqual(model.weights(), before);
  });
});
