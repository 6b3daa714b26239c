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
  it('scatterAddRows: values', () => {
    for (const shape of [[2, 2], [2, 2, 3], [2, 2, 3, 4]]) checkForward((v, i) => ops.scatterAddRows(v, i, 5), [sample(shape), ids]); // prettier-ignore
    const sums = compile((v: Tensor, i: Tensor) => ops.scatterAddRows(v, i, 3)).sync(array([[1, 2], [3, 4], [5, 6]]), array(Int32Array.of(1, 1, 2))); // prettier-ignore
    assert.deepEqual(sums.toNested(), [[0, 0], [4, 6], [5, 6]]); // prettier-ignore
  });
  it('scatterAddRows: gradient, and that of the square of it', () =>
    checkGradient((v, i) => ops.square(ops.scatterAddRows(v, i, 5)), [sample([2, 2, 3]), ids], 2));
  it('scatterAddRows: gradient of what goes along edges', () =>
    checkGradient((x, from, to) => ops.square(ops.scatterAddRows(ops.gatherRows(x, from), to, 5)), [sample([5, 2]), ids, array(Int32Array.of(0, 1, 1, 3), [2, 2])], 2)); // prettier-ignore
  it('scatterAddRows of bytes, and of no ids', () => {
    checkForward((v, i) => ops.scatterAddRows(v, i, 3), [array(Uint8Array.of(1, 2, 3), [3]), array(Int32Array.of(2, 2, 0))]);
    checkForward((v, i) => ops.scatterAddRows(v, i, 3), [array(new Float32Array(0), [0, 2]), array(new Int32Array(0))]);
  });
  it('scatterAddRows names a bad id', () => {
    assert.throws(() => compile((v: Tensor, i: Tensor) => ops.scatterAddRows(v, i, 3)).sync(array([1, 2]), array(Int32Array.of(1, 3))), {
      code: 'ERR_DATA',
      message: /scatterAddRows: expected an index in 0 … 2, got 3 at position 1/,
    });
  });
  it('scatterAddRows says what it cannot take', () => {
    const values = ops.full([2, 3], 1);
    const of = (shape: readonly number[]): Tensor => ops.cast(ops.full(shape, 0), 'int32');
    assert.throws(() => ops.scatterAddRows(values, of([3]), 2), {
      name: 'ShapeError',
      message: 'scatterAddRows: expected one row of values for each id, got values [2, 3] and ids [3].',
    });
    assert.throws(() => ops.scatterAddRows(values, ops.full([2], 0), 2), {
      name: 'DTypeError',
      message: 'scatterAddRows: expected int32 ids, got float32. Cast them first.',
    });
    assert.throws(() => ops.scatterAddRows(values, of([2]), -1), {
      name: 'OptionError',
      message: 'scatterAddRows: expected a whole number ≥ 0 for rows, got -1.',
    });
  });
  it('oneHot: values', () => checkForward((i) => ops.oneHot(i, 5), [ids]));
  it('pick: values and gradient', () => {
    const x = sample([2, 2, 5]);
    checkForward((t, i) => ops.pick(t, i), [x, ids]);
    checkGradient((t, i) => ops.pick(ops.square(t), i), [x, ids], 2);
  });
});
