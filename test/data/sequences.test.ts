import assert from 'node:assert/strict';
import { runInNewContext } from 'node:vm';
import { type Batch, BucketedBatches, NdArray, Philox, type Sequence, array, padSequences, takeRows } from '../../lib/index.js';
import { bucketBounds } from '../../lib/data/sequences/bucket-bounds.js';

const ids = (...values: number[]): Int32Array => Int32Array.of(...values);
const sequence = (length: number, value: number): Int32Array => new Int32Array(length).fill(value);

/** The two inputs of a batch. */
function inputs({ x }: Batch): readonly [x: NdArray, lengths: NdArray] {
  assert.ok(!(x instanceof NdArray) && x.length === 2);
  return [x[0]!, x[1]!];
}

/** What would be filled up in total, by trying all sets of bounds. */
function leastByTrying(lengths: readonly number[], buckets: number): number {
  const distinct = [...new Set(lengths)].sort((a, b) => a - b);
  let least = Infinity;
  for (let set = 0; set < 2 ** (distinct.length - 1); set++) {
    const bounds = distinct.filter((_, i) => i === distinct.length - 1 || (set & (2 ** i)) !== 0);
    if (bounds.length <= buckets) least = Math.min(least, filled(lengths, bounds));
  }
  return least;
}

const filled = (lengths: readonly number[], bounds: readonly number[]): number =>
  lengths.reduce((sum, length) => sum + bounds.find((bound) => bound >= length)!, 0);

describe('padSequences', () => {
  it('fills up ids behind their ends', () => {
    const { x, lengths } = padSequences([ids(1, 2), ids(3, 4, 5)], { length: 4, value: 9 });
    assert.deepEqual([x.toNested(), lengths.toNested()], [[[1, 2, 9, 9], [3, 4, 5, 9]], [2, 3]]); // prettier-ignore
    assert.equal(lengths.dtype, 'int32');
  });
  it('fills up ids of another context', () => {
    const { x } = padSequences([runInNewContext('new Int32Array([1, 2])') as Int32Array, ids(3)]);
    assert.deepEqual(x.toNested(), [[1, 2], [3, 0]]); // prettier-ignore
  });
  it('fills up features to the longest', () => {
    const { x } = padSequences([array([[1, 2]]), array([[3, 4], [5, 6]])]); // prettier-ignore
    assert.deepEqual(x.toNested(), [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]); // prettier-ignore
    assert.equal(x.dtype, 'float32');
  });
  it('gives the type it is given, whose rows can be taken', () => {
    const mixed: readonly Sequence[] = [ids(1, 2)];
    takeRows(padSequences([ids(1, 2), array(ids(3))]).x, [0]) satisfies NdArray<Int32Array>;
    takeRows(padSequences([array([[1, 2]])]).x, [0]) satisfies NdArray<Float32Array>;
    takeRows(padSequences(mixed).x, [0]) satisfies NdArray<Int32Array | Float32Array>;
    // @ts-expect-error ids are no floats
    padSequences([ids(1)]).x satisfies NdArray<Float32Array>;
  });
});

describe('bucketBounds', () => {
  const random = new Philox(4);
  for (const buckets of [1, 2, 3, 5, 9]) {
    it(`fills up the least with ${buckets} lengths`, () => {
      const lengths = [...random.uniform(40)].map((u) => 1 + Math.floor(9 * u));
      const bounds = bucketBounds(lengths, buckets);
      assert.ok(bounds.length <= buckets);
      assert.equal(bounds.at(-1), Math.max(...lengths));
      assert.deepEqual([...bounds], [...bounds].sort((a, b) => a - b)); // prettier-ignore
      assert.equal(filled(lengths, bounds), leastByTrying(lengths, buckets));
    });
  }
  it('rounds many lengths up', () => {
    const lengths = Array.from({ length: 3000 }, (_, i) => i + 1);
    const bounds = bucketBounds(lengths, 4);
    assert.deepEqual([bounds.length, bounds.at(-1)], [4, 3000]);
    // Evenly spread lengths want evenly spread bounds.
    bounds.forEach((bound, i) => assert.ok(Math.abs(bound - 750 * (i + 1)) <= 24, `${bound}`));
  });
});

describe('BucketedBatches', () => {
  const lengths = [3, 9, 4, 8, 3, 2, 10, 9, 4, 1, 8, 3, 5];
  const x = lengths.map((length, i) => sequence(length, i));
  const y = array(Int32Array.from(lengths, (_, i) => 100 + i));
  const options = { batchSize: 3, buckets: 2, value: -7, seed: 5 };

  it('gives every sequence once an epoch, with its target, in few shapes', () => {
    const batches = new BucketedBatches({ x, y }, options);
    assert.equal(batches.bounds.length, 2);
    const shapes = new Set<string>();
    for (let epoch = 0; epoch < 5; epoch++) {
      const seen: number[] = [];
      for (const batch of batches) {
        const [rows, steps] = inputs(batch);
        shapes.add(String(rows.shape));
        steps.data.forEach((length, row) => {
          const values = [...rows.rows(row, row + 1).data];
          const id = values[0]!;
          assert.equal(length, lengths[id]);
          assert.deepEqual(values, [...sequence(length, id), ...sequence(rows.shape[1]! - length, -7)]);
          assert.equal(batch.y.data[row], 100 + id);
          seen.push(id);
        });
      }
      assert.deepEqual(seen.sort((a, b) => a - b), lengths.map((_, i) => i)); // prettier-ignore
    }
    assert.ok(shapes.size <= 3, [...shapes].join(' '));
  });
  it('is a function of seed and epoch', () => {
    const order = (batches: BucketedBatches): unknown => [...batches].map((batch) => [...batch.y.data]);
    const batches = new BucketedBatches({ x, y }, options);
    const [first, second] = [order(batches), order(batches)];
    assert.notDeepEqual(first, second);
    assert.deepEqual(order(new BucketedBatches({ x, y }, options)), first);
    assert.notDeepEqual(order(new BucketedBatches({ x, y }, { ...options, seed: 6 })), first);
    const resumed = new BucketedBatches({ x, y }, options);
    resumed.epoch = 1;
    assert.deepEqual(order(resumed), second);
  });
  it('keeps the order without shuffling', () => {
    const batches = [...new BucketedBatches({ x, y }, { ...options, buckets: 1, shuffle: false })];
    assert.deepEqual(batches.flatMap((batch) => [...batch.y.data]), [...y.data]); // prettier-ignore
  });
  it('has at most twelve lengths', () => {
    const sequences = Array.from({ length: 20 }, (_, i) => new Int32Array(i + 1));
    const { bounds } = new BucketedBatches({ x: sequences, y: array(new Int32Array(20)) }, { batchSize: 1, buckets: 12 });
    assert.equal(bounds.length, 12);
  });
  it('fills up targets of each step with ignoreIndex', () => {
    const [batch] = new BucketedBatches(
      { x: [ids(1, 2), ids(3, 4, 5)], y: [ids(6, 7), ids(8, 9, 10)] },
      { batchSize: 2, buckets: 1, shuffle: false },
    );
    assert.deepEqual(batch!.y.toNested(), [[6, 7, -1], [8, 9, 10]]); // prettier-ignore
  });
  it('fills up float targets of each step with NaN, unless told', () => {
    const numbers = { x: [ids(1, 2), ids(3, 4, 5)], y: [array([6, 7]), array([8, 9, 10])] };
    const [batch] = new BucketedBatches(numbers, { batchSize: 2, buckets: 1, shuffle: false });
    assert.deepEqual(batch!.y.toNested(), [[6, 7, NaN], [8, 9, 10]]); // prettier-ignore
    const [other] = new BucketedBatches(numbers, { batchSize: 2, buckets: 1, shuffle: false, ignoreIndex: -1 });
    assert.deepEqual(other!.y.toNested(), [[6, 7, -1], [8, 9, 10]]); // prettier-ignore
  });

  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [() => padSequences([]), 'DataError', 'padSequences: expected at least one sequence, got none.'],
    [
      () => padSequences([ids(1), ids()]),
      'DataError',
      'padSequences: expected sequences of at least one step, got an empty one at 1. Leave it out.',
    ],
    [
      () => padSequences([ids(1), ids(1, 2, 3)], { length: 2 }),
      'OptionError',
      'padSequences: expected sequences of at most length = 2 steps, got 3 at 1. Cut it, or leave length out.',
    ],
    [
      () => padSequences([ids(1), array([1])]),
      'DTypeError',
      'padSequences: expected sequences of one element type, float32 or int32, got float32 at 1 after int32.',
    ],
    [
      () => padSequences([array(Uint8Array.of(1)) as never]),
      'DTypeError',
      'padSequences: expected sequences of one element type, float32 or int32, got uint8 at 0.',
    ],
    [
      () => padSequences([array([[1, 2]]), array([[1]])]),
      'ShapeError',
      'padSequences: expected sequences of shape [T, 2], got [1, 1] at 1.',
    ],
    [
      () => padSequences(['text' as never]),
      'DataError',
      'padSequences: expected sequence 0 made by array(), got string. Wrap it: array(data, shape), or give an Int32Array of ids.',
    ],
    [() => padSequences(array([[1, 2]]) as never), 'DataError', 'padSequences: expected a list of sequences, got NdArray.'],
    [
      () => padSequences([ids(1)], { value: 0.5 }),
      'OptionError',
      'padSequences: expected a whole number that int32 holds, as the sequences do, for value, got 0.5.',
    ],
    [
      () => new BucketedBatches({ x, y }, { ...options, value: 2 ** 31 }),
      'OptionError',
      'BucketedBatches: expected a whole number that int32 holds, as the sequences do, for value, got 2147483648.',
    ],
    [
      () => new BucketedBatches({ x: [ids(1)], y: [ids(1)] }, { batchSize: 1, ignoreIndex: 2 ** 40 }),
      'OptionError',
      'BucketedBatches: expected a whole number that int32 holds, as the sequences do, for ignoreIndex, got 1099511627776.',
    ],
    [
      () => new BucketedBatches({ x } as never, options),
      'DataError',
      'BucketedBatches: expected y made by array(), got undefined. Wrap it: array(data, shape), or give a list of sequences.',
    ],
    [
      () => new BucketedBatches(undefined as never, options),
      'DataError',
      'BucketedBatches: expected { x, y } of sequences and their targets, got undefined.',
    ],
    [
      () => new BucketedBatches({ x, y: array([1]) }, options),
      'ShapeError',
      'BucketedBatches: expected a target for each of 13 sequences, got 1.',
    ],
    [
      () => new BucketedBatches({ x: [ids(1, 2)], y: [ids(1)] }, options),
      'OptionError',
      'BucketedBatches: expected as many targets as steps, got 1 for 2 steps at 0. Give y as one array if there is one target a sequence; where targets have lengths of their own, as in translation, fill up x and y by padSequences.',
    ],
    [
      () => new BucketedBatches({ x, y }, {} as never),
      'OptionError',
      'BucketedBatches: expected a whole number ≥ 1 for batchSize, got undefined.',
    ],
    [
      () => new BucketedBatches({ x, y }, { batchSize: 2, buckets: 13 }),
      'OptionError',
      'BucketedBatches: expected a whole number in 1 … 12 for buckets, got 13.',
    ],
  ];
  for (const [make, name, message] of wrong) it(message, () => assert.throws(make, { name, message }));
});
