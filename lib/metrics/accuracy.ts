import type { NdArray } from '../array.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { weightedMean } from '../losses/reduction.js';
import { cast, equal, sum } from '../ops/index.js';
import { checkOptions } from '../options.js';
import {
  type DecisionOptions,
  checkTargets,
  classTarget,
  countOfRows,
  decisionRules,
  decisions,
  foretoldClass,
  meanOfRows,
} from './classes.js';
import { Metric } from './metric.js';

/** Options of {@link accuracy}. */
export type AccuracyOptions = DecisionOptions;

class Accuracy extends Metric {
  readonly name = 'accuracy';
  override readonly better = 'max';

  constructor(private readonly options: AccuracyOptions) {
    super();
  }

  forward(prediction: Tensor, target: Tensor): Tensor {
    const single = decisions('accuracy', prediction, target, this.options);
    if (single !== undefined) return weightedMean(equal(single.foretold, single.actual), single.counts);
    const { ignoreIndex } = this.options;
    const ids = classTarget('accuracy', prediction, target, ignoreIndex);
    return meanOfRows(equal(foretoldClass(prediction), cast(ids, 'int32')), ids, ignoreIndex);
  }

  override weight(prediction: Tensor, target: Tensor): Tensor | undefined {
    const single = decisions('accuracy', prediction, target, this.options);
    return single === undefined ? countOfRows(target, this.options.ignoreIndex) : sum(single.counts);
  }

  /** Looks for targets that are no class ids or probabilities, and for rows of several labels or none. */
  override validate(target: NdArray, predictionShape: Shape): void {
    checkTargets('accuracy', target, predictionShape, this.options);
  }
}

/**
 * Share of right predictions, decided by the shapes:
 * - prediction [..., C] with class ids [...]: argmax = id
 * - prediction [..., C] with rows of C (one-hot or probabilities), C ≥ 2: argmax = argmax
 * - one prediction a row, [N] or [N, 1], with targets [N] or [N, 1] in [0, 1]: (prediction > threshold) = (target > ½)
 * - with `multiLabel` prediction and target [..., K]: the same for every element
 *
 * Targets of decisions by threshold that are NaN do not count, nor do rows of `ignoreIndex`. Where nothing counts it is NaN. A prediction that is NaN is wrong.
 *
 * @throws OptionError for wrong options; from fit and evaluate OptionError for options that the shapes leave no use for, ShapeError if the shapes are none of
 *   these, DataError for ids that are no class, rows of C that are no probabilities, and targets of decisions by threshold beyond [0, 1]
 * @see https://keras.io/api/metrics/accuracy_metrics/ (SparseCategoricalAccuracy, CategoricalAccuracy, BinaryAccuracy)
 */
export function accuracy(options: AccuracyOptions = {}): Metric {
  return new Accuracy(checkOptions('accuracy', options, decisionRules));
}
