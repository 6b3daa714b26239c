import type { NdArray } from '../array.js';
import { ShapeError, formatShape } from '../errors.js';
import { iota } from '../graph/source.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { lossIds } from '../losses/class-ids.js';
import { pickAny } from '../ops/gather.js';
import { add, equal, less, lessEqual, mul, reshape, sub, sum } from '../ops/index.js';
import { check, checkOptions, count, integer } from '../options.js';
import { checkClassTarget, classTarget, countOfRows, meanOfRows } from './classes.js';
import { Metric } from './metric.js';

/** Right if fewer than k classes score above the target's; NaN scores above everything. */
class TopK extends Metric {
  readonly name: string;
  override readonly better = 'max';

  constructor(
    private readonly k: number,
    private readonly ignoreIndex: number | undefined,
  ) {
    super();
    this.name = `top${k}`;
  }

  forward(prediction: Tensor, target: Tensor): Tensor {
    const ids = classTarget(this.name, prediction, target, this.ignoreIndex);
    const classes = prediction.shape.at(-1)!;
    if (this.k > classes)
      throw new ShapeError(
        `${this.name}: expected at least k = ${this.k} classes, got a prediction of shape ${formatShape(prediction.shape)}.`,
      );
    const known = lossIds(ids, classes, this.ignoreIndex);
    const own = reshape(pickAny(prediction, known), [...ids.shape, 1]);
    const above = sub(classes, sum(lessEqual(prediction, own), { axes: -1 }));
    const before = mul(equal(prediction, own), less(iota(classes), reshape(known, own.shape)));
    return meanOfRows(less(add(above, sum(before, { axes: -1 })), this.k), ids, this.ignoreIndex);
  }

  override weight(_prediction: Tensor, target: Tensor): Tensor | undefined {
    return countOfRows(target, this.ignoreIndex);
  }

  /** Looks for ids that are no class, and for rows of several labels or none. */
  override validate(target: NdArray, predictionShape: Shape): void {
    checkClassTarget(this.name, target, predictionShape, this.ignoreIndex, 'Give the id of one class a row.');
  }
}

/** Options of {@link topK}. */
export interface TopKOptions {
  /** Rows whose target is this class id are padding and do not count. Default: none. Only for class ids. */
  readonly ignoreIndex?: number | undefined;
}

/**
 * Share of rows whose target class is among the k highest predictions, of equal ones the first. Reported as 'top5' for k = 5.
 * prediction [..., C], target class ids [...] or one-hot or probability rows [..., C]
 *
 * @throws OptionError unless k is a whole number ≥ 1; from fit and evaluate ShapeError if the shapes do not fit, DataError for ids that are no class and rows that are no probabilities
 */
export function topK(k: number, options: TopKOptions = {}): Metric {
  check('topK', 'k', k, count);
  return new TopK(k, checkOptions('topK', options, { ignoreIndex: integer }).ignoreIndex);
}
