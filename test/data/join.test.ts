/** Arrays put together. */
import assert from 'node:assert/strict';
import { type NdArray, array, concatRows, stackRows, takeRows } from '../../lib/index.js';

const bytes = (...values: readonly number[]): NdArray<Uint8Array> => array(Uint8Array.from(values));
const images = [1, 2, 3].map((value) => array(new Uint8Array(12).fill(value), [2, 2, 3]));

describe('concatRows', () => {
  it('puts rows of any kind one after another', () => {
    assert.deepEqual(concatRows([array([[1, 2]]), array([[3, 4], [5, 6]])]), array([[1, 2], [3, 4], [5, 6]])); // prettier-ignore
    assert.deepEqual(concatRows([bytes(1), bytes(), bytes(2, 3)]), bytes(1, 2, 3));
    assert.deepEqual(concatRows([array(Int32Array.of(7), [1, 1])]), array(Int32Array.of(7), [1, 1]));
  });
  it('joins what takeRows divides', () => {
    const x = array([[1, 2], [3, 4], [5, 6]]); // prettier-ignore
    assert.deepEqual(concatRows([takeRows(x, [0]), takeRows(x, [1, 2])]), x);
  });
  it('copies', () => {
    const x = bytes(1, 2);
    const joined = concatRows([x]);
    x.data[0] = 9;
    assert.deepEqual([...joined.data], [1, 2]);
  });
});

describe('stackRows', () => {
  it('makes a row of each array', () => {
    const { data, shape } = stackRows(images);
    assert.deepEqual(shape, [3, 2, 2, 3]);
    assert.deepEqual(
      data,
      Uint8Array.from({ length: 36 }, (_, i) => 1 + Math.floor(i / 12)),
    );
    assert.deepEqual(stackRows([array(1), array(2)]), array([1, 2]));
  });
});

describe('arrays that are not put together', () => {
  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [() => concatRows(images[0] as never), 'DataError', 'concatRows: expected a list of arrays, got NdArray. Put all of them in one list.'],
    [() => stackRows([]), 'DataError', 'stackRows: expected at least one array, got none.'],
    [
      () => concatRows([array([[1, 2]]), array([[1, 2]]), array([[1]])]),
      'ShapeError',
      'concatRows: expected arrays of rows of one shape and element type, got float32 [1, 1] at 2 after float32 [1, 2].',
    ],
    [
      () => concatRows([array([1]), bytes(1) as never]),
      'DTypeError',
      'concatRows: expected arrays of rows of one shape and element type, got uint8 [1] at 1 after float32 [1].',
    ],
    [
      () => concatRows([array([1]), array(1)]),
      'ShapeError',
      'concatRows: expected arrays of rank ≥ 1 [N, ...], got [] at 1. stackRows makes each a row.',
    ],
    [
      () => stackRows([...images, array(new Uint8Array(3), [1, 1, 3])]),
      'ShapeError',
      'stackRows: expected arrays of one shape and element type, got uint8 [1, 1, 3] at 3 after uint8 [2, 2, 3].',
    ],
    [
      () => stackRows(Array<NdArray>(2)),
      'DataError',
      'stackRows: expected array 0 made by array(), got undefined. Wrap it: array(data, shape).',
    ],
  ];
  for (const [act, name, message] of wrong) it(message, () => assert.throws(act, { name, message }));
});
