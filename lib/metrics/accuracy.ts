import type { Tensor } from '../graph/tensor.js';
import { argmax, cast, equal, greater, mean, reshape } from '../ops/index.js';
import { checkOptions, finite, integer } from '../options.js';
import { classTarget, countOfRows, isBinary, meanOfRows } from './classes.js';
import { Metric } from './metric.js';

/** Options of {@link accuracy}. */
export interface AccuracyOptions {
  /** Predictions above it are positive, where there is one for each row. Default: 0, right for logits; use 0.5 after Sigmoid. */
  readonly threshold?: number | undefined;
  /** Rows whose target is this class id are padding and do not count. Default: none. Not for one-hot rows or thresholds. */
  readonly ignoreIndex?: number | undefined;
}

/**
 * Share of right predictions, decided by the shapes:
 * - prediction [..., C] with class ids [...]: argmax = id
 * - prediction [..., C] with rows of C (one-hot or probabilities), C ≥ 2: argmax = argmax
 * - one prediction a row, [N] or [N, 1], with targets [N] or [N, 1] in [0, 1]: (prediction > threshold) = (target > ½)
 *
 * @throws ShapeError if the shapes are none of these
 */
class Accuracy extends Metric {
  readonly name = 'accuracy';

  constructor(
    private readonly threshold: number,
    private readonly ignoreIndex: number | undefined,
  ) {
    super();
  }

  forward(prediction: Tensor, target: Tensor): Tensor {
    if (isBinary(prediction, target))
      return mean(equal(greater(prediction, this.threshold), greater(reshape(target, prediction.shape), 0.5)));
    const ids = classTarget('accuracy', prediction, target);
    return meanOfRows(equal(argmax(prediction), cast(ids, 'int32')), ids, this.ignoreIndex);
  }

  override weight(_prediction: Tensor, target: Tensor): Tensor | undefined {
    return countOfRows(target, this.ignoreIndex);
  }
}

/** Share of right predictions: argmax against class ids or one-hot rows, or a threshold where there is one prediction a row. */
export function accuracy(options: AccuracyOptions = {}): Metric {
  checkOptions('accuracy', options, { threshold: finite, ignoreIndex: integer });
  return new Accuracy(options.threshold ?? 0, options.ignoreIndex);
}
