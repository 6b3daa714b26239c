import assert from 'node:assert/strict';
import { type Batch, BucketedBatches, type NdArray, type Sequence, array, padSequences } from '../../lib/index.js';

const ids = (...values: number[]): Int32Array => Int32Array.of(...values);
const values = (...numbers: number[]): NdArray<Float32Array> => array(Float32Array.of(...numbers));
const holey = [ids(1), , ids(2)] as Sequence[]; // eslint-disable-line no-sparse-arrays

/** The only batch there is. */
function only(batches: Iterable<Batch>): Batch {
  const [batch, ...more] = batches;
  assert.ok(batch !== undefined && more.length === 0);
  return batch;
}

describe('the weights of sequences', () => {
  const x = [ids(1, 1, 1), ids(2), ids(3, 3), ids(4)];
  const y = array(ids(1, 2, 3, 4));

  it('go into the batches of their sequences', () => {
    const batches = [...new BucketedBatches({ x, y, sampleWeight: values(0.1, 0.2, 0.3, 0.4) }, { batchSize: 2, seed: 3 })];
    assert.equal(batches.length, 2);
    for (const batch of batches)
      assert.deepEqual(
        batch.sampleWeight!.data,
        Float32Array.from(batch.y.data, (id) => Math.fround(id / 10)),
      );
    assert.ok(!('sampleWeight' in [...new BucketedBatches({ x, y }, { batchSize: 2 })][0]!));
  });

  it('are not fields whose names only end alike', () => {
    const data = { x, y, lightweight: true, paperweights: y };
    assert.equal([...new BucketedBatches(data, { batchSize: 4 })].length, 1);
  });

  for (const [what, data, name, message] of [
    [
      'too few',
      { sampleWeight: values(1, 1) },
      'ShapeError',
      'BucketedBatches: expected float32 [4] for sampleWeight, one number a sequence, got float32 [2].',
    ],
    [
      'ids',
      { sampleWeight: array(ids(1, 1, 1, 1)) },
      'ShapeError',
      'BucketedBatches: expected float32 [4] for sampleWeight, one number a sequence, got int32 [4].',
    ],
    [
      'a list',
      { sampleWeight: [1, 1, 1, 1] },
      'DataError',
      'BucketedBatches: expected sampleWeight made by array(), got Array. Wrap it: array(data, shape).',
    ],
    [
      'another name',
      { weights: values(1) },
      'DataError',
      'BucketedBatches: expected weights of sequences as sampleWeight, got weights, which would count nothing.',
    ],
    [
      'another name in small letters',
      { sample_weights: values(1) },
      'DataError',
      'BucketedBatches: expected weights of sequences as sampleWeight, got sample_weights, which would count nothing.',
    ],
  ] as const)
    // prettier-ignore
    it(`are refused as ${what}`, () =>
      assert.throws(() => new BucketedBatches({ x, y, ...data } as never, { batchSize: 2 }), { name, message }));
});

describe('what stands behind the end of a sequence', () => {
  it('may be NaN where the sequences are of floats', () => {
    const { x } = padSequences([values(1), values(1, 2)], { value: NaN });
    assert.deepEqual(x.toNested(), [[1, NaN], [1, 2]]); // prettier-ignore
    const y = [values(1), values(1, 2)];
    const batch = only(new BucketedBatches({ x: [ids(1), ids(1, 2)], y }, { batchSize: 2, buckets: 1, ignoreIndex: NaN, shuffle: false }));
    assert.deepEqual(batch.y.toNested(), [[1, NaN], [1, 2]]); // prettier-ignore
  });
  it('is a number that the sequences hold', () => {
    const expected = 'a whole number that int32 holds, as the sequences do,';
    for (const [value, message] of [
      [NaN, `padSequences: expected ${expected} for value, got NaN.`],
      [Infinity, 'padSequences: expected a finite number or NaN for value, got Infinity.'],
    ] as const)
      assert.throws(() => padSequences([ids(1), ids(1, 2)], { value }), { name: 'OptionError', message });
  });
});

describe('ignoreIndex', () => {
  for (const ignoreIndex of [0.5, NaN, -1])
    it(`is refused as ${ignoreIndex} where there is one target a sequence`, () =>
      assert.throws(() => new BucketedBatches({ x: [ids(1), ids(1, 2)], y: array(ids(1, 2)) }, { batchSize: 2, ignoreIndex }), {
        name: 'OptionError',
        message: `BucketedBatches: expected no ignoreIndex where y is one array, which is not filled up, got ${ignoreIndex}. Leave it out.`,
      }));
});

describe('a list of sequences with a hole', () => {
  const message = (what: string): string =>
    `${what}: expected sequence 1 made by array(), got undefined. Wrap it: array(data, shape), or give an Int32Array of ids.`;
  it('is refused in the name of what takes it', () => {
    assert.throws(() => padSequences(holey), { name: 'DataError', message: message('padSequences') });
    assert.throws(() => new BucketedBatches({ x: holey, y: array(ids(1, 2, 3)) }, { batchSize: 1 }), {
      name: 'DataError',
      message: message('BucketedBatches x'),
    });
  });
});
