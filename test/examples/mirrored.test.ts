import assert from 'node:assert/strict';
import { mirrored } from '../../examples/support/images.js';
import { array } from '../../lib/array.js';

describe('mirrored images', () => {
  it('have the columns of each row in the other order, and the channels of a pixel as they were', () => {
    const x = array(Float32Array.from({ length: 24 }, (_, i) => i), [2, 2, 3, 2]); // prettier-ignore
    const { data, shape } = mirrored(x);
    assert.deepEqual(shape, x.shape);
    assert.deepEqual([...data.subarray(0, 12)], [4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 6, 7]);
    assert.deepEqual(mirrored(mirrored(x)).data, x.data);
  });
});
