import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { build } from '../../lib/compile/program.js';
import { gradients } from '../../lib/graph/gradients.js';
import { MemorySlot, source } from '../../lib/graph/source.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { Embedding, GRU, Linear, Sequential } from '../../lib/layers/index.js';
import { add, gatherRows, matmul, mul, reshape, scatterAddRows, square, sum, transpose } from '../../lib/ops/index.js';
import { outputs } from '../support/programs.js';
import { generator, randomValues } from '../support/random-graph.js';

const [rows, width, columns] = [5, 3, 7];
const state = new MemorySlot('state', 4096);
const table = source(state, 0, [rows, width]);
const weights = source(state, 256, [width, columns]);
const bias = source(state, 512, [columns]);
const idsOf = (...shape: readonly number[]): Tensor => source(state, 1024, shape, 'int32');

/** A linear map of looked-up rows, time first. */
const embedded = (ids: Tensor): Tensor => add(matmul(transpose(gatherRows(table, ids), [1, 0, 2]), weights), bias);
/** Rows and inner size of each product, then the rows of each table that is looked up in or added up to. */
function work(...results: readonly Tensor[]): readonly string[] {
  return build(outputs(results)).instructions.flatMap((i) => {
    if (i.kind === 'gemm') return [`${i.m}×${i.k}×${i.n}`];
    return i.kind === 'gatherRows' || i.kind === 'scatterAddRows' ? [i.kind] : [];
  });
}

describe('a product of looked-up rows', () => {
  it('is one of the table where that has half as many rows', () => {
    assert.deepEqual(work(embedded(idsOf(2, 5))), ['5×3×7', 'gatherRows']);
    assert.deepEqual(work(embedded(idsOf(3, 3))), ['gatherRows', '9×3×7']);
  });
  it('has its bias and a second product there too', () => {
    const twice = add(matmul(embedded(idsOf(4, 5)), transpose(weights)), source(state, 768, [width]));
    assert.deepEqual(work(twice), ['5×3×7', '5×7×3', 'gatherRows']);
  });
  it('is left where rows are changed before', () => {
    assert.deepEqual(work(matmul(square(gatherRows(table, idsOf(20))), weights)), ['gatherRows', '20×3×7']);
    const mixed = matmul(reshape(gatherRows(table, idsOf(20)), [10, 2 * width]), source(state, 256, [2 * width, 3]));
    assert.deepEqual(work(mixed), ['gatherRows', '10×6×3']);
    const turned = matmul(transpose(gatherRows(table, idsOf(20))), source(state, 256, [20, 3]));
    assert.equal(work(turned).at(-1), '3×20×3');
    assert.deepEqual(work(add(gatherRows(table, idsOf(20)), source(state, 256, [20, width]))), ['gatherRows']);
  });
  it('has gradients by sums of as many rows as the table has', () => {
    const y = embedded(idsOf(4, 5));
    const dy = source(state, 2048, y.shape);
    // The other sums are of ones: they tell which rows are looked up.
    const sums = ['scatterAddRows', 'scatterAddRows'];
    assert.deepEqual(work(...gradients(y, [table, weights], dy)).toSorted(), ['3×5×7', '5×7×3', ...sums]);
    assert.deepEqual(work(...gradients(y, [weights], dy)), [...sums, '3×5×7']);
    assert.deepEqual(work(...gradients(y, [table], dy)).toSorted(), ['5×7×3', ...sums]);
  });
  it('leaves alone the sums of what is no product, or is one per batch', () => {
    const x = gatherRows(table, idsOf(20));
    assert.deepEqual(work(...gradients(sum(square(x)), [table])), ['gatherRows', 'scatterAddRows']);
    const each = matmul(reshape(x, [4, 5, width]), source(state, 256, [4, width, 2]));
    assert.deepEqual(work(...gradients(each, [table], source(state, 2048, each.shape))).slice(-1), ['scatterAddRows']);
  });

  const shapes: readonly (readonly number[])[] = [[10], [4, 5], [3, 2, 4], [1, 40]];
  for (const shape of shapes) {
    it(`has the same bits for ids [${shape.join()}], and gradients up to rounding`, () => {
      const run = (fuse: boolean): readonly Float32Array[] => {
        const f = compile(
          (e: Tensor, w: Tensor, b: Tensor, ids: Tensor) => {
            const x = gatherRows(e, ids);
            const order = [...shape.keys()];
            const y = add(matmul(transpose(x, [...order.toReversed(), shape.length]), w), b);
            const total = sum(mul(square(y), 0.5));
            return [y, ...gradients(total, [e, w, b])] as const;
          },
          { fuse },
        );
        const random = generator(7);
        const floats = (...size: readonly number[]) => array(Float32Array.from(randomValues(size.reduce((a, b) => a * b), random)), size); // prettier-ignore
        const count = shape.reduce((a, b) => a * b);
        const ids = array(Int32Array.from({ length: count }, (_, i) => (i * i + 1) % (rows - 1)), shape); // prettier-ignore
        return f.sync(floats(rows, width), floats(width, columns), floats(columns), ids).map(({ data }) => data as Float32Array);
      };
      const [[y, ...gradientsOfTable], [expected, ...gradientsOfRows]] = [run(true), run(false)] as [Float32Array[], Float32Array[]];
      assert.deepEqual(y, expected);
      gradientsOfTable.forEach((gradient, i) => {
        const largest = gradientsOfRows[i]!.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        // Sums of fewer than 400 products, in two orders.
        gradient.forEach((x, j) => assert.ok(Math.abs(x - gradientsOfRows[i]![j]!) <= 400 * 2 ** -24 * largest, `${i} ${j}`));
      });
    });
  }
  it('is of looked-up rows alone, whatever the others and the weights are', () => {
    const f = compile((e: Tensor, w: Tensor, ids: Tensor) => gradients(sum(matmul(gatherRows(e, ids), w)), [e, w]));
    const ids = array(new Int32Array(4));
    const run = (e: readonly number[], w: number): unknown =>
      f.sync(array(Float32Array.from(e), [2, 1]), array(Float32Array.of(w), [1, 1]), ids).map(({ data }) => [...data]);
    assert.deepEqual(run([1, NaN], 1), [[4, 0], [4]]);
    assert.deepEqual(run([1, 2], Infinity), [[Infinity, 0], [4]]);
  });
  it('has no columns where its rows have none', () => {
    const ids = array(new Int32Array(10));
    const none = array(new Float32Array(0), [10, 3, 0]);
    assert.deepEqual(compile((x: Tensor, at: Tensor) => scatterAddRows(x, at, 2)).sync(none, ids).shape, [2, 3, 0]);
  });
  it('names the layer and the place of a bad id as it was given', async () => {
    const model = new Sequential({ words: new Embedding(3, 2), time: new GRU(2), head: new Linear(2) });
    model.build([4], { dtypes: ['int32'] });
    const x = array(Int32Array.of(0, 1, 2, 0, 1, 2, 0, 3, 2, 0, 1, 1), [3, 4]);
    await assert.rejects(model.predict(x), {
      name: 'DataError',
      message: /^Embedding "words": gatherRows: expected an index in 0 … 2, got 3 at position \[1, 3\] in step 0\.$/,
    });
  });
});
