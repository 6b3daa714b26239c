/** Errors of numbers: mae() and rmse(). */
import type { Tensor } from '../graph/tensor.js';
import { checkSameShape } from '../losses/reduction.js';
import { abs, mean, square, sub } from '../ops/index.js';
import { Metric } from './metric.js';

class MeanAbsoluteError extends Metric {
  readonly name = 'mae';

  forward(prediction: Tensor, target: Tensor): Tensor {
    checkSameShape('mae', prediction, target);
    return mean(abs(sub(prediction, target)));
  }
}

class RootMeanSquaredError extends Metric {
  readonly name = 'rmse';

  forward(prediction: Tensor, target: Tensor): Tensor {
    checkSameShape('rmse', prediction, target);
    return mean(square(sub(prediction, target)));
  }

  override finish(mean: number): number {
    return Math.sqrt(mean);
  }
}

/** Mean of |prediction − target| over all elements. */
export function mae(): Metric {
  return new MeanAbsoluteError();
}

/** √ of the mean of (prediction − target)² over all elements and rows. */
export function rmse(): Metric {
  return new RootMeanSquaredError();
}
