/** Errors of numbers: mae() and rmse(). */
import type { Tensor } from '../graph/tensor.js';
import { counted } from '../losses/elementwise-loss.js';
import { checkSameShape, keptOnly, perLoss } from '../losses/reduction.js';
import { abs, full, mul, square, stack, sub, sum } from '../ops/index.js';
import { boolean, checkOptions } from '../options.js';
import { Metric } from './metric.js';

/** Options of {@link mae} and {@link rmse}. */
export interface NumberMetricOptions {
  /** Targets that are NaN count nothing. Default: false. */
  readonly ignoreNaN?: boolean | undefined;
}

/** The mean of an error of each element, Σ w e / Σ w. Its figures are both sums. */
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

  /** → [2] */
  forward(prediction: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor {
    checkSameShape(this.name, prediction, target);
    const weights = perLoss(target.shape, counted(target, this.ignoreNaN), sampleWeight);
    const errors = this.error(sub(keptOnly(prediction, weights), keptOnly(target, weights)));
    return stack(weights === undefined ? [sum(errors), full([], target.size)] : [sum(mul(errors, weights)), sum(weights)]);
  }

  override combine(total: Float64Array, batch: Float32Array): void {
    batch.forEach((figure, i) => (total[i]! += figure));
  }

  override finish(figures: Float64Array): number {
    return this.last(figures[0]! / figures[1]!);
  }
}

/**
 * Mean absolute error: Σ w |p − y| / Σ w over all elements, w the data's sampleWeight, so that rows count as they do in the loss.
 *
 * prediction p and target y of one shape [N, ...]
 * @throws OptionError for wrong options; from fit and evaluate ShapeError if the shapes differ
 */
export function mae(options: NumberMetricOptions = {}): Metric {
  const { ignoreNaN = false } = checkOptions('mae', options, { ignoreNaN: boolean });
  return new MeanError('mae', abs, (error) => error, ignoreNaN);
}

/**
 * Root of the mean squared error: √(Σ w (p − y)² / Σ w) over all elements of all batches, w the data's sampleWeight. Shapes and errors as for {@link mae}.
 */
export function rmse(options: NumberMetricOptions = {}): Metric {
  const { ignoreNaN = false } = checkOptions('rmse', options, { ignoreNaN: boolean });
  return new MeanError('rmse', square, Math.sqrt, ignoreNaN);
}
