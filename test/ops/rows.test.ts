import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';
import { checkForward, checkGradient, sample } from '../support/check-op.js';

const x = sample([2, 3, 5]);
const ids = array(Int32Array.of(0, 4, 2, -100, 1, 3), [2, 3]);

describe('operations on rows', () => {
  for (const [name, fn] of Object.entries({ softmax: ops.softmax, logSoftmax: ops.logSoftmax, logSumExp: ops.logSumExp })) {
    it(`${name}: values`, () => checkForward((t) => fn(t), [x], 8));
    it(`${name}: first and second gradient`, () => checkGradient((t) => fn(t), [x], 2));
    it(`${name}: values of large inputs`, () => checkForward((t) => fn(ops.mul(t, 400)), [x], 8));
  }
  it('crossEntropy: values, an ignored row included', () => checkForward((t, i) => ops.crossEntropy(t, i), [x, ids], 8));
  it('crossEntropy: first and second gradient', () => checkGradient((t, i) => ops.crossEntropy(t, i), [x, ids], 2));
  it('crossEntropy names a bad id', () => {
    const f = compile((t: Tensor, i: Tensor) => ops.crossEntropy(t, i));
    assert.throws(() => f.sync(x, array(Int32Array.of(0, 1, 2, 3, 4, 5), [2, 3])), {
      code: 'ERR_DATA',
      message: 'crossEntropy: expected an index in 0 … 4, got 5 at position [1, 2] in step 0.',
    });
  });
  it('crossEntropy reads ids of other types as whole numbers', () => {
    const f = compile((t: Tensor, i: Tensor) => ops.crossEntropy(t, i));
    const row = sample([3, 4]);
    const expected = f.sync(row, array(Int32Array.of(1, 0, 3))).data;
    assert.deepEqual(f.sync(row, array(Uint8Array.of(1, 0, 3))).data, expected);
    assert.deepEqual(f.sync(row, array(Float32Array.of(1.7, 0, 3))).data, expected);
  });
  it('crossEntropy names shapes that do not fit', () => {
    assert.throws(() => compile((t: Tensor, i: Tensor) => ops.crossEntropy(t, i)).describe([], []), {
      name: 'ShapeError',
      message: 'crossEntropy: expected logits of rank ≥ 1 [..., C], got []. Give them a dimension of classes.',
    });
    assert.throws(
      () => compile((t: Tensor, i: Tensor) => ops.crossEntropy(t, i)).describe([2, 3, 5], [3, 2]),
      /crossEntropy: expected one class id a row of logits \[2, 3, 5\], got ids of shape \[3, 2\]/,
    );
  });
});
