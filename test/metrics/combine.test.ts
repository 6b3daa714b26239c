/** Metrics that say themselves how the figures of batches are combined. */
import assert from 'node:assert/strict';
import { MSELoss, Metric, type Tensor, abs, array, max, reshape, sub } from '../../lib/index.js';
import { passing } from '../support/pass.js';

class LargestError extends Metric {
  readonly name = 'largestError';
  override readonly better = 'min';

  constructor(private readonly size = 1) {
    super();
  }

  forward(prediction: Tensor, target: Tensor): Tensor {
    const largest = max(abs(sub(prediction, target)));
    return this.size === 0 ? largest : reshape(largest, [1]);
  }

  override combine(total: Float64Array, batch: Float32Array): void {
    total[0] = Math.max(total[0]!, batch[0]!);
  }
}

const data = { x: array([1, 2, 3, 4, 5]), y: array([1, 2.5, 5, 4, 5.25]) };

describe('a metric with combine', () => {
  it('is combined over batches, as itself and by another name', async () => {
    const trainer = passing(new MSELoss(), [new LargestError(), new LargestError().as('worst')]);
    for (const batchSize of [1, 2, 5]) {
      const { largestError, worst } = await trainer.evaluate(data, { batchSize });
      assert.deepEqual([largestError, worst], [2, 2]);
    }
    assert.equal((await trainer.step(data)).worst, 2);
  });
  it('leaves the figure of each step', async () => {
    const options = { batchSize: 2, shuffle: false, keepSteps: true };
    const history = await passing(new MSELoss(), [new LargestError()]).fit(data, options);
    assert.deepEqual([...history.stepSeries('largestError')], [0.5, 2, 0.25]);
    assert.deepEqual(history.series('largestError'), [2]);
  });
  it('is refused where it gives a number of JavaScript', () => {
    class Seven extends LargestError {
      override forward(): Tensor {
        return 7 as never;
      }
    }
    return assert.rejects(passing(new MSELoss(), [new Seven()]).evaluate(data), {
      name: 'ShapeError',
      message: /largestError: expected figures \[F\] of a metric with combine, got number\./,
    });
  });
  it('is refused where it gives no figures', () =>
    assert.rejects(passing(new MSELoss(), [new LargestError(0)]).evaluate(data), {
      name: 'ShapeError',
      message:
        /largestError: expected figures \[F\] of a metric with combine, got shape \[\]\. Make them one with stack\(\) or reshape\(\)\./,
    }));
});
