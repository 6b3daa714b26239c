import assert from 'node:assert/strict';
import { array, compile, constant } from '../../lib/index.js';

describe('constant', () => {
  it('has the values, the shape and the type of an array', async () => {
    const x = array(Int32Array.of(1, 2, 3, 4), [2, 2]);
    const t = constant(x);
    assert.deepEqual([t.dtype, t.shape], ['int32', [2, 2]]);
    x.data.fill(9);
    assert.deepEqual((await compile(() => t)()).toNested(), [[1, 2], [3, 4]]); // prettier-ignore
  });
  it('has another shape of as many elements if one is given', () => assert.deepEqual(constant(array([[1, 2]]), [2]).shape, [2]));
  it('is a vector of a typed array', () => assert.deepEqual(constant(Uint8Array.of(1, 2)).shape, [2]));

  const gone = array(new Float32Array(2));
  structuredClone(gone.data.buffer, { transfer: [gone.data.buffer] });
  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [
      () => constant([1, 2] as never),
      'DTypeError',
      'constant: expected a Float32Array, Int32Array, Uint8Array or an array made by array(), got Array. Convert it, for instance with array().',
    ],
    [() => constant(array([1, 2]), [3]), 'ShapeError', 'constant: expected 3 values for shape [3], got 2.'],
    [
      () => constant(gone),
      'StateError',
      'constant: expected 2 elements for values of shape [2], got 0: its buffer was detached or resized. Make a new array.',
    ],
  ];
  for (const [make, name, message] of wrong) it(message, () => assert.throws(make, { name, message }));
});
