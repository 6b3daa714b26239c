import assert from 'node:assert/strict';
import { Linear, NativeError, type NdArray, type NestedRows, array } from '../lib/index.js';
import { LruCache } from '../lib/lru-cache.js';

const ragged = 'array: expected rows of equal length, got a ragged array. Pad or split it.';
const kinds = (got: string, advice = 'Convert it, for instance with Float32Array.from(x, Number).'): string =>
  `array: expected a Float32Array, Int32Array, Uint8Array or nested numbers, got ${got}. ${advice}`;
const floats = 'Convert it: new Float32Array(x).';
const element = (got: string): string => kinds(got, 'Give a number, NaN where there is none.');
const deep = 'array: expected at most 64 dimensions, got lists in lists of more. Nest numbers as rows of data are.';
const large = (got: string): string =>
  `array: expected numbers within the range of float32, up to 3.4e38, got ${got}. Scale it, or give Infinity if that is meant.`;
const nestedBy = (depth: number): never => JSON.parse(`${'['.repeat(depth)}1${']'.repeat(depth)}`) as never;

describe('array', () => {
  it('takes nested numbers of any depth', () => {
    const nested = array([[[1], [2]], [[3], [4]]]); // prettier-ignore
    assert.deepEqual([nested.shape, nested.data, array(5).shape, array([]).shape], [[2, 2, 1], Float32Array.of(1, 2, 3, 4), [], [0]]);
  });
  it('takes NaN, infinities and the largest number of float32', () => {
    const numbers = [NaN, Infinity, -Infinity, 3.4028235e38];
    assert.deepEqual(array(numbers).data, Float32Array.from(numbers));
  });
  it('takes numbers nested as deep as any array is', () => assert.equal(array(nestedBy(64)).rank, 64));
  it('takes typed arrays as the rows of a list', () => {
    const rows = array([Float32Array.of(1, 2), Int32Array.of(3, 4), [5, 6]]);
    assert.deepEqual([rows.shape, rows.data], [[3, 2], Float32Array.of(1, 2, 3, 4, 5, 6)]);
    assert.deepEqual(array([[Uint8Array.of(1)], [Uint8Array.of(2)]]).shape, [2, 1, 1]);
    assert.deepEqual(array([Float32Array.of(1, 2)], [2]).shape, [2]);
  });
  it('takes what may be nested or not, to TypeScript too', () => {
    const of = (x: NestedRows): NdArray => array(x);
    assert.deepEqual([of(Int32Array.of(1)).dtype, of([1]).dtype, of(1).rank], ['int32', 'float32', 0]);
  });
  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [() => array([[1, 2], [3, 4, 5], [6]]), 'ShapeError', ragged], // prettier-ignore
    [() => array([[1, 2], [[3, 4]]] as never), 'ShapeError', ragged], // prettier-ignore
    [() => array([1, [2]]), 'ShapeError', ragged],
    [() => array(['a'] as never), 'DTypeError', element('string at [0]')],
    [() => array([[1], undefined] as never), 'DTypeError', element('undefined at [1]')],
    [() => array([[1, 2], [3, null]] as never), 'DTypeError', element('null at [1][1]')], // prettier-ignore
    [() => array([[[1]], [['1']]] as never), 'DTypeError', element('string at [1][0][0]')], // prettier-ignore
    [() => array(null as never), 'DTypeError', kinds('null')],
    [() => array([[0, 1e39]]), 'DataError', large('1e+39 at [0][1]')],
    [() => array(-1e39), 'DataError', large('-1e+39')],
    [() => array(nestedBy(65)), 'ShapeError', deep],
    [() => array(nestedBy(5000)), 'ShapeError', deep],
    [() => array([1, nestedBy(20000)] as never), 'ShapeError', ragged],
    [() => array([Float32Array.of(1, 2), Float32Array.of(3)]), 'ShapeError', ragged],
    [() => array([Float64Array.of(1)] as never), 'DTypeError', kinds('Float64Array at [0]', floats)],
    [() => array([array([1])] as never), 'DTypeError', kinds('NdArray at [0]', 'Put arrays together by stackRows or concatRows.')],
    [() => array(array([1]) as never), 'DTypeError', kinds('NdArray', 'It is an array already.')],
    [() => array(new BigInt64Array(2) as never), 'DTypeError', kinds('BigInt64Array')],
    [() => array(new Float64Array(2) as never), 'DTypeError', kinds('Float64Array', floats)],
    [() => array(new Float32Array(4), 4 as never), 'ShapeError', 'array: expected a list of sizes, got 4. Put all of them in one list.'],
    [
      () => array(new Float32Array(1), Object.create(null) as never),
      'ShapeError',
      'array: expected a list of sizes, got [Object: null prototype] {}. Put all of them in one list.',
    ],
    [() => array([1, 2, 3]).rows(Symbol('a') as never, 4), 'ShapeError', 'rows: expected 0 ≤ begin ≤ end ≤ 3, got Symbol(a) and 4.'],
    [() => array([1, 2, 3]).rows(0, 4), 'ShapeError', 'rows: expected 0 ≤ begin ≤ end ≤ 3, got 0 and 4.'],
    [() => array([1, 2, 3]).rows(-1, 2), 'ShapeError', 'rows: expected 0 ≤ begin ≤ end ≤ 3, got -1 and 2.'],
    [() => array([1, 2, 3]).rows(2, 1), 'ShapeError', 'rows: expected 0 ≤ begin ≤ end ≤ 3, got 2 and 1.'],
    [() => array([1, 2, 3]).rows(1, undefined as never), 'ShapeError', 'rows: expected 0 ≤ begin ≤ end ≤ 3, got 1 and undefined.'],
  ];
  for (const [act, name, message] of wrong) it(message, () => assert.throws(act, { name, message }));

  it('of another copy of the library is named as such', async () => {
    class Foreign {
      readonly data = new Float32Array(1);
    }
    Object.defineProperty(Foreign, 'name', { value: 'NdArray' });
    await assert.rejects(new Linear(1).predict(new Foreign() as never), {
      name: 'DataError',
      message: /got NdArray\. It belongs to another copy of lanewise/,
    });
  });
});

describe('toNested', () => {
  it('makes empty arrays, but not without end', () => {
    assert.deepEqual(array(new Float32Array(0), [2, 0, 3]).toNested(), [[], []]);
    assert.deepEqual(array(new Float32Array(0), [0, 2 ** 32]).toNested(), []);
    assert.throws(() => array(new Float32Array(0), [2 ** 32, 0]).toNested(), {
      name: 'ShapeError',
      message: 'toNested: expected at most 1048576 empty arrays, got shape [4294967296, 0].',
    });
  });
});

describe('JSON of an array', () => {
  it('is its shape and its numbers, which make the same array', () => {
    const x = array([[1, 2, 3], [4, 5, 6.1]]); // prettier-ignore
    const { data, shape } = JSON.parse(JSON.stringify(x)) as ReturnType<typeof x.toJSON>;
    assert.deepEqual(array(data, shape), x);
    assert.equal(JSON.stringify({ y: array(Int32Array.of(7, 8)) }), '{"y":{"shape":[2],"data":[7,8]}}');
  });
});

describe('memory', () => {
  it('that no machine has is an error of this library', () => {
    assert.throws(() => new Linear(2 ** 40).build([2 ** 10]), (error) => error instanceof NativeError && /^memory: expected \d+ bytes, got none: this machine cannot provide them/.test(error.message)); // prettier-ignore
  });
});

describe('what was made last', () => {
  it('is kept by use: what was not asked for longest goes', () => {
    const made: string[] = [];
    const cache = new LruCache<string>(2);
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) cache.get(key, () => (made.push(key), key));
    assert.deepEqual(made, ['a', 'b', 'c', 'b']);
  });
});
