/** How well one class is told from the rest: precision(), recall() and f1(). */
import type { Tensor } from '../graph/tensor.js';
import { add, argmax, div, equal, greater, maximum, mul, notEqual, reshape, sum } from '../ops/index.js';
import { checkOptions, finite, integer, nonNegativeInteger } from '../options.js';
import { classTarget, isBinary } from './classes.js';
import { Metric } from './metric.js';

/** Options of {@link precision}, {@link recall} and {@link f1}. */
export interface PositiveOptions {
  /** Predictions above it are positive, where there is one for each row. Default: 0, right for logits; use 0.5 after Sigmoid. */
  readonly threshold?: number | undefined;
  /** The class that is the positive one, where there is a prediction for each class. Default: 1. */
  readonly positive?: number | undefined;
  /** Rows whose target is this class id are padding and do not count. Default: none. Not for one-hot rows or thresholds. */
  readonly ignoreIndex?: number | undefined;
}

/** Rows that were foretold to be positive, rows that are, and those that are both. */
interface Counts {
  readonly foretold: Tensor;
  readonly actual: Tensor;
  readonly both: Tensor;
}

/** A quotient of counts, those of all rows however they fall into batches. */
class Positives extends Metric {
  constructor(
    readonly name: string,
    private readonly top: (counts: Counts) => Tensor,
    private readonly bottom: (counts: Counts) => Tensor,
    private readonly options: PositiveOptions,
  ) {
    super();
  }

  forward(prediction: Tensor, target: Tensor): Tensor {
    const counts = this.counts(prediction, target);
    return div(this.top(counts), maximum(this.bottom(counts), 1));
  }

  override weight(prediction: Tensor, target: Tensor): Tensor {
    return this.bottom(this.counts(prediction, target));
  }

  private counts(prediction: Tensor, target: Tensor): Counts {
    const { threshold = 0, positive = 1, ignoreIndex } = this.options;
    const count = (foretold: Tensor, actual: Tensor): Counts => ({
      foretold: sum(foretold),
      actual: sum(actual),
      both: sum(mul(foretold, actual)),
    });
    if (isBinary(prediction, target)) return count(greater(prediction, threshold), greater(reshape(target, prediction.shape), 0.5));
    const ids = classTarget(this.name, prediction, target);
    const [foretold, actual] = [equal(argmax(prediction), positive), equal(ids, positive)];
    if (ignoreIndex === undefined) return count(foretold, actual);
    const counts = notEqual(ids, ignoreIndex);
    return count(mul(foretold, counts), mul(actual, counts));
  }
}

function positives(name: string, top: (counts: Counts) => Tensor, bottom: (counts: Counts) => Tensor, options: PositiveOptions): Metric {
  checkOptions(name, options, { threshold: finite, positive: nonNegativeInteger, ignoreIndex: integer });
  return new Positives(name, top, bottom, options);
}

/**
 * Of the rows foretold to be positive, the share that is. NaN if none is foretold.
 *
 * Shapes as for {@link accuracy}: one prediction a row against a threshold, or one for each class.
 *
 * @throws OptionError for wrong options; ShapeError if the shapes do not fit
 */
export function precision(options: PositiveOptions = {}): Metric {
  return positives('precision', ({ both }) => both, ({ foretold }) => foretold, options); // prettier-ignore
}

/** Of the rows that are positive, the share that was foretold to be. NaN if there is none. Shapes and errors as for {@link precision}. */
export function recall(options: PositiveOptions = {}): Metric {
  return positives('recall', ({ both }) => both, ({ actual }) => actual, options); // prettier-ignore
}

/** 2 · precision · recall / (precision + recall), the harmonic mean of both. Shapes and errors as for {@link precision}. */
export function f1(options: PositiveOptions = {}): Metric {
  return positives('f1', ({ both }) => mul(both, 2), ({ foretold, actual }) => add(foretold, actual), options); // prettier-ignore
}
