import assert from 'node:assert/strict';
import { BCEWithLogitsLoss, MSELoss, Philox, type Tensor, array, auc, reshape, rocAuc, slice } from '../../lib/index.js';
import { passing } from '../support/pass.js';

const rows = 500;
const random = new Philox(5);
const targets = random.uniform(rows).map((u) => Number(u < 0.1));
const logits = random.normal(rows).map((z, i) => 2 * z - 3 + 2 * targets[i]!);
const exact = rocAuc(array(logits), array(targets));
const pairs = targets.filter((y) => y === 1).length * targets.filter((y) => y === 0).length;

/** Half the share of pairs of a positive and a negative row in one bucket. */
function bound(scores: Float32Array, low: number, high: number): number {
  const bucket = [...scores].map((s) => Math.floor(((s - low) / (high - low)) * 512));
  let shared = 0;
  bucket.forEach((a, i) => bucket.forEach((b, j) => (shared += Number(targets[i] === 1 && targets[j] === 0 && a === b))));
  return shared / pairs / 2;
}

describe('auc', () => {
  it('is rocAuc but for rows in one bucket, in batches of any size', async () => {
    const trainer = passing(new BCEWithLogitsLoss(), [auc()]);
    const data = { x: array(logits, [rows, 1]), y: array(targets, [rows, 1]) };
    const values: number[] = [];
    for (const batchSize of [1, 7, 256, rows]) values.push((await trainer.evaluate(data, { batchSize })).auc!);
    assert.ok(
      Math.abs(values[0]! - exact) <= bound(logits, -16, 16) + 1e-12 && Math.abs(values[0]! - exact) < 1e-3,
      `${values[0]}, not ${exact}`,
    );
    assert.deepEqual(new Set(values).size, 1);
    const history = await trainer.fit(data, { validation: data });
    assert.equal(history.last!.metrics.valAuc, values[0]);
  });
  it('of probabilities', async () => {
    const probabilities = logits.map((x) => 1 / (1 + Math.exp(-x)));
    const { auc: got } = await passing(new MSELoss(), [auc({ range: [0, 1] })]).evaluate({ x: array(probabilities), y: array(targets) });
    assert.ok(Math.abs(got! - exact) <= bound(probabilities, 0, 1) + 1e-12, `${got}, not ${exact}`);
  });
  it('takes scores beyond its range, leaves out targets that are NaN, and is NaN where there is none', async () => {
    const trainer = passing(new MSELoss({ ignoreNaN: true }), [auc()]);
    const of = async (x: readonly number[], y: readonly number[]): Promise<number> =>
      (await trainer.evaluate({ x: array(x), y: array(y) })).auc!;
    assert.equal(await of([-Infinity, 1e9, Infinity, -20], [0, 1, 1, 0]), 1);
    assert.equal(await of([16, 16, -16], [1, 0, 0]), 0.75);
    assert.equal(await of([1, 2, 3], [0, NaN, 1]), 1);
    assert.ok(Number.isNaN(await of([1, 2], [1, 1])));
    assert.ok(Number.isNaN(await of([NaN, 2, 1], [1, 1, 0])));
  });
  it('of one of several columns', async () => {
    const second = (x: Tensor): Tensor => reshape(slice(x, [0, 1], [-1, 1]), [-1]);
    const metric = auc().as('auc of b', (p, t) => [second(p), second(t)]);
    const two = { x: array([...logits].map((x) => [0, x])), y: array([...targets].map((y) => [1, y])) };
    const got = (await passing(new BCEWithLogitsLoss(), [metric]).evaluate(two))['auc of b']!;
    assert.ok(Math.abs(got - exact) < 1e-3);
  });
  it('refuses what is not one score a row, and a wrong range', async () => {
    await assert.rejects(passing(new BCEWithLogitsLoss(), [auc()]).evaluate({ x: array([[1, 2]]), y: array([[1, 0]]) }), {
      name: 'ShapeError',
      message:
        /auc: expected one score a row, \[N\] or \[N, 1\], and as many targets, got \[1, 2\] and \[1, 2\]\. Of several columns give one/,
    });
    assert.throws(() => auc({ range: [1, 1] }), {
      name: 'OptionError',
      message: 'auc: expected the lower number first for range, got 1 and 1.',
    });
    assert.throws(() => auc({ range: [1] as never }), {
      name: 'OptionError',
      message: /^auc: expected a list of 2, each a finite number for range/,
    });
  });
});
