import type { Tensor } from '../graph/tensor.js';
import { counted } from '../losses/elementwise-loss.js';
import { checkSameShape, keptOnly, perLoss, perWeight } from '../losses/reduction.js';
import { full, mul, reshape, square, stack, sub, sum } from '../ops/index.js';
import { boolean, checkOptions } from '../options.js';
import { Metric } from './metric.js';
import type { NumberMetricOptions } from './regression.js';

/** Figures of a column: what its targets count, their mean in two parts, Σ (y − p)², Σ (y − ȳ)². */
const width = 5;

/** Means and centred sums of batches are combined in float64, so that targets may be far from zero. */
class R2 extends Metric {
  readonly name = 'r2';
  override readonly better = 'max';

  constructor(private readonly ignoreNaN: boolean) {
    super();
  }

  /** → [K · width] */
  forward(prediction: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor {
    checkSameShape('r2', prediction, target);
    const columns = (x: Tensor): Tensor => reshape(x, [-1, target.rank < 2 ? 1 : target.shape.at(-1)!]);
    const kept = perLoss(target.shape, counted(target, this.ignoreNaN), sampleWeight);
    const weights = columns(kept ?? full(target.shape, 1));
    const total = (x: Tensor): Tensor => sum(mul(weights, x), { axes: 0 });
    const [p, y] = [columns(keptOnly(prediction, kept)), columns(keptOnly(target, kept))];
    const count = sum(weights, { axes: 0 });
    // One float32 would lose what is small beside the mean.
    const high = perWeight(total(y), count);
    const centred = sub(y, high);
    const low = perWeight(total(centred), count);
    const figures = [count, high, low, total(square(sub(p, y))), total(square(sub(centred, low)))];
    return reshape(stack(figures, -1), [-1]);
  }

  /** @see Chan, Golub and LeVeque 1979, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" */
  override combine(total: Float64Array, batch: Float32Array): void {
    for (let at = 0; at < total.length; at += width) {
      const before = total[at]!;
      const count = batch[at]!;
      if (count === 0) continue;
      const apart = batch[at + 1]! + batch[at + 2]! - total[at + 1]!;
      total[at] = before + count;
      total[at + 1]! += (apart * count) / (before + count);
      total[at + 3]! += batch[at + 3]!;
      total[at + 4]! += batch[at + 4]! + (apart * apart * before * count) / (before + count);
    }
  }

  override finish(figures: Float64Array): number {
    const columns = figures.length / width;
    let sum = 0;
    for (let at = 0; at < figures.length; at += width) sum += 1 - figures[at + 3]! / figures[at + 4]!;
    return sum / columns;
  }
}

/**
 * Coefficient of determination, the share of the targets' variance that is foretold: 1 is perfect, 0 no better than their mean, below 0 worse.
 *
 * R² = 1 − Σ w (y − p)² / Σ w (y − ȳ)² with ȳ = Σ w y / Σ w over all rows, however they fall into batches; w are the data's sampleWeight, so that rows count as they do in
 * the loss.   prediction p and target y [N] or [..., K], of K columns the mean of their R²
 *
 * Where all targets of a column are equal it is −∞, or NaN if they are foretold exactly or nothing counts.
 *
 * @throws OptionError for wrong options; from fit and evaluate ShapeError if the shapes differ
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.r2_score.html (`uniform_average`)
 */
export function r2(options: NumberMetricOptions = {}): Metric {
  return new R2(checkOptions('r2', options, { ignoreNaN: boolean }).ignoreNaN ?? false);
}
