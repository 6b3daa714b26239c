/** Errors of numbers in which rows count as in the loss. */
import assert from 'node:assert/strict';
import { MSELoss, array, mae, r2, rmse } from '../../lib/index.js';
import { sample } from '../support/check-op.js';
import { near } from '../support/near.js';
import { passing } from '../support/pass.js';
import { float32Error } from '../support/tolerances.js';

const rows = 7;
const x = sample([rows, 2], 1);
const y = sample([rows, 2], 2);
const weights = [0, 1, 2.5, 0, 3, 0.5, 1];
const missing = array(y.data.map((value, i) => (i % 3 === 0 ? NaN : value)), y.shape); // prettier-ignore

describe('mae and rmse', () => {
  for (const ignoreNaN of [false, true]) {
    it(`count rows by sampleWeight, in batches of any size${ignoreNaN ? ', without what is NaN' : ''}`, async () => {
      const target = ignoreNaN ? missing : y;
      const w = [...target.data].map((value, i) => (Number.isNaN(value) ? 0 : weights[Math.floor(i / 2)]!));
      const mean = (of: (error: number) => number): number =>
        w.reduce((sum, weight, i) => sum + (weight === 0 ? 0 : weight * of(x.data[i]! - target.data[i]!)), 0) / w.reduce((a, b) => a + b);
      const trainer = passing(new MSELoss({ ignoreNaN }), [mae({ ignoreNaN }), rmse({ ignoreNaN })]);
      for (const batchSize of [1, 3, rows]) {
        const got = await trainer.evaluate({ x, y: target, sampleWeight: array(weights) }, { batchSize });
        near(got.mae!, mean(Math.abs), float32Error(2 * rows), 'mae');
        near(got.rmse!, Math.sqrt(mean((error) => error * error)), float32Error(2 * rows), 'rmse');
        near(got.rmse! ** 2, got.loss, float32Error(2 * rows), 'loss');
      }
    });
  }
  it('with ignoreNaN make no NaN that debug would tell, all at once', async () => {
    const metrics = [mae({ ignoreNaN: true }), rmse({ ignoreNaN: true }), r2({ ignoreNaN: true })];
    const { epochs } = await passing(new MSELoss({ ignoreNaN: true }), metrics).fit({ x, y: missing }, { debug: true });
    for (const [name, value] of Object.entries(epochs[0]!.metrics)) assert.ok(Number.isFinite(value), name);
  });
});
