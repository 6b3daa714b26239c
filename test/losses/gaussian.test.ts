/** What the fixtures do not hold of GaussianNLLLoss: variances below eps, missing targets, weights of rows. */
import assert from 'node:assert/strict';
import {
  Adam,
  type Gaussian,
  GaussianNLLLoss,
  Layer,
  Linear,
  Philox,
  type Scope,
  Sequential,
  Softplus,
  type Tensor,
  Trainer,
  array,
  compile,
  gradients,
  mae,
  takeRows,
} from '../../lib/index.js';

class Forecast extends Layer<[Tensor], Gaussian> {
  readonly mean = new Linear(1);
  readonly variance = new Sequential([new Linear(1), new Softplus()]);
  forward(x: Tensor, scope: Scope): Gaussian {
    return { mean: scope.call('mean', this.mean, x), variance: scope.call('variance', this.variance, x) };
  }
}

describe('GaussianNLLLoss', () => {
  it('takes variances below eps for eps, with a gradient that lets them grow', () => {
    const loss = new GaussianNLLLoss({ eps: 0.5, reduction: 'sum' });
    const f = compile((mean: Tensor, variance: Tensor, y: Tensor) => {
      const value = loss.forward({ mean, variance }, y);
      return [value, gradients(value, [variance])[0]!] as const;
    });
    const [value, dvariance] = f.sync(array([1, 1]), array([-3, 0]), array([3, 2]));
    const expected = (2 * Math.log(0.5) + 4 / 0.5 + 1 / 0.5) / 2;
    assert.ok(Math.abs(value.data[0]! - expected) < 1e-6, `${value.data[0]} of ${expected}`);
    // ½ (1/v − (y − m)² / v²) at v = ½.
    assert.deepEqual([...dvariance.data], [1 - 8, 1 - 2]);
  });

  const noise = new Philox(4).normal(4096);
  const x = array(Float32Array.from(noise, (_, i) => (i % 2 ? 1 : -1)), [4096, 1]); // prettier-ignore
  // Deviations ½ and 2 about 3x.
  const y = array(Float32Array.from(noise, (e, i) => (i % 2 ? 3 + 2 * e : -3 + 0.5 * e)), [4096, 1]); // prettier-ignore

  it('learns means and variances', async () => {
    const trainer = new Trainer(new Forecast(), { loss: new GaussianNLLLoss(), optimizer: new Adam({ lr: 0.02 }), seed: 1 });
    await trainer.fit({ x, y }, { epochs: 20 });
    const { mean, variance } = trainer.predictSync(array([[-1], [1]]));
    for (const [got, wanted] of [
      [mean.data[0]!, -3],
      [mean.data[1]!, 3],
      [variance.data[0]!, 0.25],
      [variance.data[1]!, 4],
    ] as const)
      // prettier-ignore
      assert.ok(Math.abs(got / wanted - 1) < 0.15, `${got} of ${wanted}`);
  });

  it('is beside a metric of the mean alone, and a metric of one output says how', async () => {
    const options = { loss: new GaussianNLLLoss(), optimizer: new Adam() };
    const metrics = [mae().as('mae', (p: Gaussian, y: Tensor) => [p.mean, y])];
    const trainer = new Trainer(new Forecast(), { ...options, metrics });
    const { mae: found } = await trainer.evaluate({ x, y });
    const { mean } = await trainer.predict(x);
    const expected = y.data.reduce((total, value, i) => total + Math.abs(value - mean.data[i]!), 0) / y.size;
    assert.ok(Math.abs(found! / expected - 1) < 1e-5, `${found} of ${expected}`);
    // @ts-expect-error mae looks at one output
    await assert.rejects(new Trainer(new Forecast(), { ...options, metrics: [mae()] }).evaluate({ x, y }), {
      name: 'ShapeError',
      message:
        "evaluate: mae: expected outputs and targets it is made for, got mean, variance and one alone. Say which of mean, variance the target is of. If it is mean: .as('mae', (p, y) => [p.mean, y]).",
    });
  });

  it('leaves missing targets out and weighs rows, alike in batches of any size', async () => {
    const rows = [0, 1, 2, 3, 4, 5, 6, 7];
    const missing = array(Float32Array.from(rows, (i) => (i === 2 || i === 5 ? NaN : y.data[i]!)), [8, 1]); // prettier-ignore
    const trainer = new Trainer(new Forecast(), { loss: new GaussianNLLLoss({ ignoreNaN: true }), optimizer: new Adam(), seed: 1 });
    const eight = takeRows(x, rows);
    const kept = [0, 1, 1, 3, 4, 4, 4, 6, 7];
    const { loss: expected } = await trainer.evaluate({ x: takeRows(x, kept), y: takeRows(y, kept) });
    const sampleWeight = array([1, 2, 9, 1, 3, 9, 1, 1]);
    for (const batchSize of [1, 3, 8]) {
      const { loss } = await trainer.evaluate({ x: eight, y: missing, sampleWeight }, { batchSize });
      assert.ok(Math.abs(loss / expected - 1) < 1e-5, `${loss} of ${expected}`);
    }
    await trainer.fit({ x: eight, y: missing, sampleWeight }, { checkFinite: true });
    assert.ok([...trainer.predictSync(eight).variance.data].every(Number.isFinite));
  });
});
