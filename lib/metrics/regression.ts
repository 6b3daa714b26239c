/** Errors of numbers: mae() and rmse(). */
import type { Tensor } from '../graph/tensor.js';
import { counted } from '../losses/elementwise-loss.js';
import { checkSameShape, weightedMean } from '../losses/reduction.js';
import { abs, mean, square, sub, sum, where } from '../ops/index.js';
import { boolean, checkOptions } from '../options.js';
import { Metric } from './metric.js';

/** Options of {@link mae} and {@link rmse}. */
export interface NumberMetricOptions {
  /** Targets that are NaN count nothing. Default: false. */
  readonly ignoreNaN?: boolean | undefined;
}

/** The mean of an error of each element. */
class MeanError extends Metric {
  override readonly better = 'min';

  constructor(
    readonly name: string,
    private readonly error: (difference: Tensor) => Tensor,
    private readonly last: (mean: number) => number,
    private readonly ignoreNaN: boolean,
  ) {
    super();
  }

  forward(prediction: Tensor, target: Tensor): Tensor {
    checkSameShape(this.name, prediction, target);
    if (!this.ignoreNaN) return mean(this.error(sub(prediction, target)));
    const kept = counted(target);
    return weightedMean(this.error(sub(prediction, where(kept, target, 0))), kept);
  }

  override weight(_prediction: Tensor, target: Tensor): Tensor | undefined {
    return this.ignoreNaN ? sum(counted(target)) : undefined;
  }

  override finish(mean: number): number {
    return this.last(mean);
  }
}

/** Mean of |prediction − target| over all elements. */
export function mae(options: NumberMetricOptions = {}): Metric {
  const { ignoreNaN = false } = checkOptions('mae', options, { ignoreNaN: boolean });
  return new MeanError('mae', abs, (error) => error, ignoreNaN);
}

/** √ of the mean of (prediction − target)² over all elements and rows. */
export function rmse(options: NumberMetricOptions = {}): Metric {
  const { ignoreNaN = false } = checkOptions('rmse', options, { ignoreNaN: boolean });
  return new MeanError('rmse', square, Math.sqrt, ignoreNaN);
}
