/** How well one class is told from the rest: precision(), recall() and f1(). */
import type { NdArray } from '../array.js';
import { OptionError } from '../errors.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { add, argmax, equal, mul, notEqual, stack, sum } from '../ops/index.js';
import { checkOptions, nonNegativeInteger } from '../options.js';
import { type DecisionOptions, checkClassRows, classTarget, decisionRules, decisions } from './classes.js';
import { Metric } from './metric.js';

/** Options of {@link precision}, {@link recall} and {@link f1}. */
export interface PositiveOptions extends DecisionOptions {
  /** The class that is the positive one; where there is one prediction a row, 0 or 1. Not with `multiLabel`. Default: 1. */
  readonly positive?: number | undefined;
}

/** Rows that were foretold to be positive, rows that are, and those that are both. */
interface Counts {
  readonly foretold: Tensor;
  readonly actual: Tensor;
  readonly both: Tensor;
}

/** A quotient of counts, those of all rows however they fall into batches. */
class Positives extends Metric {
  override readonly better = 'max';

  constructor(
    readonly name: string,
    private readonly top: (counts: Counts) => Tensor,
    private readonly bottom: (counts: Counts) => Tensor,
    private readonly options: PositiveOptions,
  ) {
    super();
  }

  /** → [top, bottom] */
  forward(prediction: Tensor, target: Tensor): Tensor {
    const counts = this.counts(prediction, target);
    return stack([this.top(counts), this.bottom(counts)]);
  }

  override combine(total: Float64Array, batch: Float32Array): void {
    total[0]! += batch[0]!;
    total[1]! += batch[1]!;
  }

  override finish(top: number, bottom: number): number {
    return top / bottom;
  }

  /** Looks for rows of several labels or none. */
  override validate(target: NdArray, predictionShape: Shape): void {
    if (!this.options.multiLabel) checkClassRows(this.name, target, predictionShape);
  }

  private counts(prediction: Tensor, target: Tensor): Counts {
    const { positive = 1, ignoreIndex } = this.options;
    const single = decisions(this.name, prediction, target, this.options);
    const classes = single === undefined ? prediction.shape.at(-1)! : 2;
    if (positive >= classes)
      throw new OptionError(
        `${this.name}: expected one of the classes 0 … ${classes - 1} for positive, got ${positive}. Number the classes from 0.`,
      );
    const count = (foretold: Tensor, actual: Tensor): Counts => ({
      foretold: sum(foretold),
      actual: sum(actual),
      both: sum(mul(foretold, actual)),
    });
    const ids = single?.actual ?? classTarget(this.name, prediction, target, ignoreIndex);
    const [foretold, actual] = [equal(single?.foretold ?? argmax(prediction), positive), equal(ids, positive)];
    const counts = single?.counts ?? (ignoreIndex === undefined ? undefined : notEqual(ids, ignoreIndex));
    return counts === undefined ? count(foretold, actual) : count(mul(foretold, counts), mul(actual, counts));
  }
}

function positives(name: string, top: (counts: Counts) => Tensor, bottom: (counts: Counts) => Tensor, options: PositiveOptions): Metric {
  const checked = checkOptions(name, options, { ...decisionRules, positive: nonNegativeInteger });
  if (checked.multiLabel && checked.positive !== undefined)
    throw new OptionError(
      `${name}: expected no positive with multiLabel, where every label that holds is positive, got ${checked.positive}. Leave it out.`,
    );
  return new Positives(name, top, bottom, checked);
}

/**
 * Of the rows foretold to be positive, the share that is. NaN if none is foretold.
 *
 * Shapes as for {@link accuracy}: one prediction a row against a threshold, or one for each class. With `multiLabel` of all labels together (micro average).
 *
 * @throws OptionError for wrong options; from fit and evaluate OptionError for options that do not fit the shapes, ShapeError if the shapes do not fit each
 *   other, DataError for rows that are no probabilities
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.precision_score.html (`positive` is pos_label)
 */
export function precision(options: PositiveOptions = {}): Metric {
  return positives('precision', ({ both }) => both, ({ foretold }) => foretold, options); // prettier-ignore
}

/** Of the rows that are positive, the share that was foretold to be. NaN if there is none. Shapes and errors as for {@link precision}. */
export function recall(options: PositiveOptions = {}): Metric {
  return positives('recall', ({ both }) => both, ({ actual }) => actual, options); // prettier-ignore
}

/**
 * 2 · precision · recall / (precision + recall), the harmonic mean of both. NaN if no row is positive or foretold to be. Shapes and errors as for
 * {@link precision}.
 */
export function f1(options: PositiveOptions = {}): Metric {
  return positives('f1', ({ both }) => mul(both, 2), ({ foretold, actual }) => add(foretold, actual), options); // prettier-ignore
}
