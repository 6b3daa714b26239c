import assert from 'node:assert/strict';
import { runInNewContext } from 'node:vm';
import {
  CrossEntropyLoss,
  Embedding,
  Linear,
  RandomTokenWindows,
  SGD,
  Sequential,
  Trainer,
  tokenStreams,
  tokenWindows,
} from '../../lib/index.js';
import type { Batch } from '../../lib/index.js';

const tokens = Int32Array.from({ length: 14 }, (_, i) => 10 + i);
const random = { steps: 3, batchSize: 4, batches: 20, seed: 2 };
const numbers = (batch: Batch): number[] => ('data' in batch.x ? [...batch.x.data] : []);

describe('token windows', () => {
  it('follow each other without a gap, the targets one token later', () => {
    const { x, y } = tokenWindows(tokens, { steps: 4 });
    assert.deepEqual(x.toNested(), [[10, 11, 12, 13], [14, 15, 16, 17], [18, 19, 20, 21]]); // prettier-ignore
    assert.deepEqual(y.toNested(), [[11, 12, 13, 14], [15, 16, 17, 18], [19, 20, 21, 22]]); // prettier-ignore
  });
  it('overlap by a stride, to the last one that fits', () => {
    const { x, y } = tokenWindows(tokens, { steps: 4, stride: 3 });
    assert.deepEqual(x.toNested(), [[10, 11, 12, 13], [13, 14, 15, 16], [16, 17, 18, 19], [19, 20, 21, 22]]); // prettier-ignore
    assert.equal(y.data.at(-1), 23);
  });
  it('have all their targets, where the tokens alone would do for one more', () => {
    for (const stride of [1, 2, 4]) {
      const { x, y } = tokenWindows(tokens.subarray(0, 12), { steps: 4, stride });
      assert.equal(x.shape[0], Math.floor(7 / stride) + 1);
      assert.deepEqual(
        y.data,
        x.data.map((token) => token + 1),
      );
    }
  });
  it('of the shortest stream', () => assert.deepEqual(tokenWindows(tokens.subarray(0, 3), { steps: 2 }).y.toNested(), [[11, 12]]));
  it('of a stream of another context', () => {
    const foreign = runInNewContext('new Int32Array([3, 4, 5])') as Int32Array;
    assert.deepEqual(tokenWindows(foreign, { steps: 2 }).y.data, Int32Array.of(4, 5));
    const [batch] = new RandomTokenWindows(foreign, { ...random, steps: 2 });
    assert.deepEqual(numbers(batch!), [3, 4, 3, 4, 3, 4, 3, 4]);
  });
  it('as streams side by side: each row goes on where it ended in the batch before', () => {
    const batchSize = 3;
    const { x, y } = tokenStreams(tokens, { steps: 2, batchSize });
    assert.deepEqual(x.toNested(), [[10, 11], [14, 15], [18, 19], [12, 13], [16, 17], [20, 21]]); // prettier-ignore
    assert.deepEqual([...y.data], [...x.data].map((token) => token + 1)); // prettier-ignore
    for (let row = batchSize; row < x.shape[0]!; row++) assert.equal(x.data[2 * row], y.data[2 * (row - batchSize) + 1]);
  });
  it('at random: within the stream, every place possible, new each epoch, the same for a seed', () => {
    const windows = new RandomTokenWindows(tokens, random);
    const [first, second] = [[...windows], [...windows]];
    assert.equal(first.length, 20);
    for (const batch of [...first, ...second]) {
      assert.deepEqual([...batch.y.shape], [4, 3]);
      numbers(batch).forEach((token, i) => assert.equal(batch.y.data[i], token + 1));
    }
    const begins = new Set([...first, ...second].flatMap((batch) => numbers(batch).filter((_, i) => i % 3 === 0)));
    assert.deepEqual([...begins].sort(), [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    assert.notDeepEqual(first.map(numbers), second.map(numbers));
    assert.deepEqual([...new RandomTokenWindows(tokens, random)].map(numbers), first.map(numbers));
    const resumed = new RandomTokenWindows(tokens, random);
    resumed.epoch = 1;
    assert.deepEqual([...resumed].map(numbers), second.map(numbers));
  });
  it('at random: are the same in each evaluation as a list', async () => {
    const trainer = new Trainer(new Sequential([new Embedding(24, 4), new Linear(24)]), {
      loss: new CrossEntropyLoss(),
      optimizer: new SGD({ lr: 0.1 }),
    });
    const windows = new RandomTokenWindows(tokens, random);
    const list = [...windows];
    assert.equal(new Set(list.map((batch) => String(numbers(batch)))).size, list.length);
    assert.deepEqual(await trainer.evaluate(list), await trainer.evaluate(list));
    assert.notDeepEqual(await trainer.evaluate(windows), await trainer.evaluate(windows));
  });

  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [
      () => tokenWindows(tokens, { steps: 14 }),
      'DataError',
      'tokenWindows: expected at least 15 tokens, got 14. Give it more text, or fewer steps.',
    ],
    [
      () => tokenStreams(tokens, { steps: 5, batchSize: 3 }),
      'DataError',
      'tokenStreams: expected at least 16 tokens, got 14. Give it more text, or fewer steps.',
    ],
    [
      () => new RandomTokenWindows(new Int32Array(), random),
      'DataError',
      'RandomTokenWindows: expected at least 4 tokens, got 0. Give it more text, or fewer steps.',
    ],
    [() => tokenWindows(tokens, { steps: 0 }), 'OptionError', 'tokenWindows: expected a whole number ≥ 1 for steps, got 0.'],
    [
      () => tokenStreams(tokens, { steps: 2 } as never),
      'OptionError',
      'tokenStreams: expected a whole number ≥ 1 for batchSize, got undefined.',
    ],
    [
      () => tokenWindows([1, 2, 3] as never, { steps: 1 }),
      'OptionError',
      'tokenWindows: expected an Int32Array of ids for tokens, got [ 1, 2, 3 ].',
    ],
  ];
  for (const [make, name, message] of wrong) it(message, () => assert.throws(make, { name, message }));
});
