import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { sizeOf } from '../../lib/graph/shape.js';
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
  // Ids of each row: of values, of rows of them, of one long list.
  const several = [
    [[2, 5], [2, 3]],
    [[2, 2, 5], [2, 2, 1]],
    [[2, 4, 3], [2, 6]],
    [[5, 2], [4]],
  ] as const; // prettier-ignore
  for (const [shape, of] of several) {
    const x = sample(shape);
    const i = array(Int32Array.of(3, 0, 3, 2, 1, 1, 0, 2, 2, 0, 1, 3).subarray(0, sizeOf(of)), of); // prettier-ignore
    const what = `gather of [${shape.join()}] by [${of.join()}]`;
    it(`${what}: values`, () => checkForward((t, j) => ops.gather(t, j), [x, i]));
    it(`${what}: gradient, and that of the square of it`, () => checkGradient((t, j) => ops.square(ops.gather(t, j)), [x, i], 2));
  }
  it('gather is that of PyTorch', () => {
    const gather = compile((t: Tensor, i: Tensor) => ops.gather(t, i));
    const i = array(Int32Array.of(2, 0, 1, 1), [2, 2]);
    assert.deepEqual(gather.sync(array([[1, 2, 3], [4, 5, 6]]), i).toNested(), [[3, 1], [5, 5]]); // prettier-ignore
    const rows = gather.sync(array([[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]]), i); // prettier-ignore
    assert.deepEqual(rows.toNested(), [[[5, 6], [1, 2]], [[9, 10], [9, 10]]]); // prettier-ignore
    assert.equal(ops.gather(ops.cast(ops.full([2, 3], 1), 'uint8'), ops.full([2, 1], 1)).dtype, 'uint8');
  });
  it('gather names a bad id, and one that is not whole', () => {
    const gather = compile((t: Tensor, i: Tensor) => ops.gather(t, i));
    const of =
      (...ids: readonly number[]) =>
      () =>
        gather.sync(sample([2, 3]), array(Float32Array.from(ids), [2, 1]));
    assert.throws(of(0, 3), { code: 'ERR_DATA', message: /gather: expected an index in 0 … 2, got 3 at position \[1, 0\]/ });
    assert.throws(of(0.5, 0), { code: 'ERR_DATA', message: /gather: expected an index in 0 … 2, got one that is not whole/ });
  });
  it('gather and pick say which ids they take', () => {
    const of = (shape: readonly number[]): Tensor => ops.cast(ops.full(shape, 0), 'int32');
    const x = ops.full([2, 3], 1);
    for (const shape of [[3, 1], [], [2, 3, 1]]) {
      assert.throws(() => ops.gather(x, of(shape)), {
        name: 'ShapeError',
        message: `gather: expected x [..., C, ...] and ids [..., K], the same before C and K, got x [2, 3] and ids [${shape.join(', ')}]. Bring another axis there by transpose().`,
      });
    }
    assert.throws(() => ops.pick(x, of([2, 2])), {
      name: 'ShapeError',
      message: 'pick: expected one id for each row of x [..., C], got x [2, 3] and ids [2, 2]. Several ids a row are for gather().',
    });
    assert.throws(() => ops.gather(ops.full([2 ** 15, 1024], 1), of([2 ** 15, 1])), {
      name: 'ShapeError',
      message: 'gather: expected at most 2²⁴ = 16777216 values or rows to take from, got x [32768, 1024]. Take one id a row with pick().',
    });
  });
  it('oneHot: values', () => checkForward((i) => ops.oneHot(i, 5), [ids]));
  it('pick: values and gradient', () => {
    const x = sample([2, 2, 5]);
    checkForward((t, i) => ops.pick(t, i), [x, ids]);
    checkGradient((t, i) => ops.pick(ops.square(t), i), [x, ids], 2);
  });
});
