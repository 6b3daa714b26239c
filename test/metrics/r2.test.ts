import assert from 'node:assert/strict';
import { type Batch, MSELoss, type NdArray, Philox, array, mae, r2 } from '../../lib/index.js';
import { passing } from '../support/pass.js';

/** 1 − Σ w (y − p)² / Σ w (y − ȳ)² of one column, in float64. */
function expected(p: readonly number[], y: readonly number[], w: readonly number[] = y.map(() => 1)): number {
  const total = (of: (i: number) => number): number => y.reduce((sum, _, i) => sum + (w[i] === 0 ? 0 : w[i]! * of(i)), 0);
  const mean = total((i) => y[i]!) / total(() => 1);
  return 1 - total((i) => (y[i]! - p[i]!) ** 2) / total((i) => (y[i]! - mean) ** 2);
}

const rows = 600;
const random = new Philox(1);
/** Targets around a mean with a deviation of 1, which rises from row to row so that batches differ, and predictions near them. */
function columnsOf(means: readonly number[]): { readonly x: NdArray<Float32Array>; readonly y: NdArray<Float32Array> } {
  const y = Float32Array.from(
    { length: rows * means.length },
    (_, i) => means[i % means.length]! + i / (rows * means.length) + random.normal(1)[0]!,
  );
  const noise = random.normal(y.length);
  return { x: array(y.map((v, i) => v + 0.3 * noise[i]!), [rows, means.length]), y: array(y, [rows, means.length]) }; // prettier-ignore
}
const column = ({ data, shape }: NdArray, k: number): number[] => [...data].filter((_, i) => i % shape[1]! === k);
const agree = async (data: Batch, wanted: number, options = {}): Promise<void> => {
  const trainer = passing(new MSELoss({ ignoreNaN: true }), [mae(options), r2(options)]);
  for (const batchSize of [1, 7, 256, rows]) {
    const got = (await trainer.evaluate(data, { batchSize })).r2!;
    // Squares and sums in float32 of what is left when the mean is taken off.
    assert.ok(Math.abs(got - wanted) < 1e-5, `of ${batchSize}: ${got}, not ${wanted}`);
  }
};

describe('r2', () => {
  for (const mean of [0, 1, -1e3, 1e5, 3e6])
    it(`is that of all rows in batches of any size, with a mean of ${mean}`, async () => {
      const data = columnsOf([mean]);
      await agree(data, expected(column(data.x, 0), column(data.y, 0)));
      await agree({ x: array(data.x.data), y: array(data.y.data) }, expected(column(data.x, 0), column(data.y, 0)));
    });
  it('of several columns is the mean of theirs', async () => {
    const data = columnsOf([0, 100, -5]);
    await agree(data, [0, 1, 2].reduce((sum, k) => sum + expected(column(data.x, k), column(data.y, k)), 0) / 3);
  });
  it('counts rows as the loss does', async () => {
    const data = columnsOf([50]);
    const weights = Float32Array.from({ length: rows }, (_, i) => (i < 300 ? 0 : i % 4));
    await agree({ ...data, sampleWeight: array(weights) }, expected(column(data.x, 0), column(data.y, 0), [...weights]));
  });
  it('leaves out targets that are NaN, of each column others', async () => {
    const { x, y } = columnsOf([3, 1000]);
    const missing = array(y.data.map((v, i) => (i % 3 === 0 || i < 40 ? NaN : v)), y.shape); // prettier-ignore
    const weights = (k: number): number[] => column(missing, k).map((v) => Number(!Number.isNaN(v)));
    const wanted = [0, 1].reduce((sum, k) => sum + expected(column(x, k), column(y, k), weights(k)), 0) / 2;
    await agree({ x, y: missing }, wanted, { ignoreNaN: true });
  });
  it('is 1 for what is perfect, 0 for the mean, and no number where all targets are equal', async () => {
    const trainer = passing(new MSELoss(), [r2()]);
    const of = async (x: readonly number[], y: readonly number[]): Promise<number> =>
      (await trainer.evaluate({ x: array(x), y: array(y) })).r2!;
    assert.equal(await of([1, 2, 3], [1, 2, 3]), 1);
    assert.equal(await of([2, 2, 2], [1, 2, 3]), 0);
    assert.equal(await of([2, 2], [3, 3]), -Infinity);
    assert.ok(Number.isNaN(await of([3, 3], [3, 3])));
  });
  it('is reported of training and of each step, and may be renamed', async () => {
    const data = columnsOf([7]);
    const { last } = await passing(new MSELoss(), [r2().as('R²')]).fit(data, {
      batchSize: 100,
      validation: data,
      keepSteps: true,
      shuffle: false,
    });
    const wanted = expected(column(data.x, 0), column(data.y, 0));
    for (const name of ['R²', 'valR²']) assert.ok(Math.abs(last!.metrics[name]! - wanted) < 1e-5, name);
    const first = expected(column(data.x, 0).slice(0, 100), column(data.y, 0).slice(0, 100));
    assert.ok(Math.abs(last!.steps!['R²']![0]! - first) < 1e-5);
  });
  it('refuses other shapes and options', async () => {
    await assert.rejects(passing(new MSELoss(), [r2()]).evaluate({ x: array([[1]]), y: array([1]) }), { name: 'ShapeError' });
    assert.throws(() => r2({ ignoreNaN: 1 as never }), {
      name: 'OptionError',
      message: 'r2: expected true or false for ignoreNaN, got 1.',
    });
  });
});
