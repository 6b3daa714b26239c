import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';
import { checkForward, checkGradient, sample } from '../support/check-op.js';

const table = sample([5, 2, 3]);
const ids = array(Int32Array.of(4, 0, 4, 2), [2, 2]);

describe('gather', () => {
  it('gatherRows: values', () => checkForward((t, i) => ops.gatherRows(t, i), [table, ids]));
  it('gatherRows: gradient, and that of the square of it', () =>
    checkGradient((t, i) => ops.square(ops.gatherRows(t, i)), [table, ids], 2));
  it('gatherRows of bytes', () =>
    checkForward((t, i) => ops.gatherRows(t, i), [array(Uint8Array.of(1, 2, 3, 4, 5, 6), [3, 2]), array(Int32Array.of(2, 2, 0))]));
  it('gatherRows names a bad id', () => {
    assert.throws(() => compile((t: Tensor, i: Tensor) => ops.gatherRows(t, i)).sync(table, array(Int32Array.of(1, -1))), {
      code: 'ERR_DATA',
      message: /gatherRows: expected an index in 0 … 4, got -1 at position 1/,
    });
  });
  it('gatherRows wants int32 ids', () => {
    assert.throws(() => compile((t: Tensor, i: Tensor) => ops.gatherRows(t, i)).describe([5, 2], [3]), {
      name: 'DTypeError',
      message: 'gatherRows: expected int32 ids, got float32. Cast them first.',
    });
  });
  it('oneHot: values', () => checkForward((i) => ops.oneHot(i, 5), [ids]));
  it('pick: values and gradient', () => {
    const x = sample([2, 2, 5]);
    checkForward((t, i) => ops.pick(t, i), [x, ids]);
    checkGradient((t, i) => ops.pick(ops.square(t), i), [x, ids], 2);
  });
});
