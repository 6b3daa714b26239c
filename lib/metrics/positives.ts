/** How well one class is told from the rest: precision(), recall() and f1(). */
import type { NdArray } from '../array.js';
import { OptionError } from '../errors.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { concat, equal, mul, notEqual, oneHot, reshape, sum } from '../ops/index.js';
import { checkOptions, nonNegativeInteger, oneOf } from '../options.js';
import { type DecisionOptions, checkTargets, classTarget, decisionRules, decisions, foretoldClass } from './classes.js';
import { Metric } from './metric.js';

/** Options of {@link precision}, {@link recall} and {@link f1}. */
export interface PositiveOptions extends DecisionOptions {
  /** The class that is the positive one; where there is one prediction a row, 0 or 1. Not with `multiLabel` or `average`. Default: 1. */
  readonly positive?: number | undefined;
  /**
   * 'macro': the mean over all classes, or with `multiLabel` over all labels, of the figure of each, rare ones counting as much as common ones. Those that
   * no row has and none is foretold to have are left out; where a figure is 0 / 0 otherwise, it is 0. Default: of the positive class alone, or with
   * `multiLabel` of all labels together (micro average).
   */
  readonly average?: 'macro' | undefined;
}

/** Of a class: rows that were foretold to be of it, rows that are, and those that are both. */
interface Counts<T> {
  readonly foretold: T;
  readonly actual: T;
  readonly both: T;
}

type Quotient = (counts: Counts<number>) => number;

/** A quotient of counts, those of all rows however they fall into batches. */
class Positives extends Metric {
  override readonly better = 'max';

  constructor(
    readonly name: string,
    private readonly quotient: Quotient,
    private readonly options: PositiveOptions,
  ) {
    super();
  }

  /** → [3 · K], the counts of K classes: of the positive one, or of all for an average. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    const { foretold, actual } = this.members(prediction, target);
    const columns = this.options.average === undefined || foretold.rank < 2 ? 1 : foretold.shape.at(-1)!;
    const total = (x: Tensor): Tensor => sum(reshape(x, [x.size / columns, columns]), { axes: 0 });
    return concat([total(foretold), total(actual), total(mul(foretold, actual))]);
  }

  override combine(total: Float64Array, batch: Float32Array): void {
    batch.forEach((count, i) => (total[i]! += count));
  }

  override finish(figures: Float64Array): number {
    const classes = figures.length / 3;
    const counts = (c: number): Counts<number> => ({
      foretold: figures[c]!,
      actual: figures[classes + c]!,
      both: figures[2 * classes + c]!,
    });
    if (this.options.average === undefined) return this.quotient(counts(0));
    const occurring = Array.from({ length: classes }, (_, c) => counts(c)).filter(({ foretold, actual }) => foretold + actual > 0);
    return occurring.reduce((total, one) => total + (this.quotient(one) || 0), 0) / occurring.length;
  }

  /** Looks for targets that are no class ids or probabilities, and for rows of several labels or none. */
  override validate(target: NdArray, predictionShape: Shape): void {
    checkTargets(this.name, target, predictionShape, this.options);
  }

  /** 1 where a row was foretold to be of the class and where it is, 0 elsewhere: of one class, or for an average [..., K]. */
  private members(prediction: Tensor, target: Tensor): Omit<Counts<Tensor>, 'both'> {
    const { positive = 1, average, multiLabel = false, ignoreIndex } = this.options;
    const single = decisions(this.name, prediction, target, this.options);
    const classes = single === undefined ? prediction.shape.at(-1)! : 2;
    if (average === undefined && positive >= classes)
      throw new OptionError(
        `${this.name}: expected one of the classes 0 … ${classes - 1} for positive, got ${positive}. Number the classes from 0.`,
      );
    const counted = (foretold: Tensor, actual: Tensor, counts: Tensor | undefined): Omit<Counts<Tensor>, 'both'> =>
      counts === undefined ? { foretold, actual } : { foretold: mul(foretold, counts), actual: mul(actual, counts) };
    if (multiLabel && average !== undefined) return counted(equal(single!.foretold, 1), single!.actual, single!.counts);
    const actual = single?.actual ?? classTarget(this.name, prediction, target, ignoreIndex);
    const foretold = single?.foretold ?? foretoldClass(prediction);
    const counts = single?.counts ?? (ignoreIndex === undefined ? undefined : notEqual(actual, ignoreIndex));
    if (average === undefined) return counted(equal(foretold, positive), equal(actual, positive), counts);
    const each = counts && reshape(counts, [...counts.shape, 1]);
    return counted(oneHot(foretold, classes), oneHot(actual, classes), each);
  }
}

function positives(name: string, quotient: Quotient, options: PositiveOptions): Metric {
  const checked = checkOptions(name, options, { positive: nonNegativeInteger, average: oneOf('macro'), ...decisionRules });
  const { multiLabel, average, positive } = checked;
  if (positive !== undefined && (multiLabel || average !== undefined)) {
    const given = multiLabel ? 'multiLabel, where every label that holds is positive' : 'average, where every class is in turn';
    throw new OptionError(`${name}: expected no positive with ${given}, got ${positive}. Leave it out.`);
  }
  return new Positives(name, quotient, checked);
}

/**
 * Of the rows foretold to be positive, the share that is: TP / (TP + FP), true and false positives. NaN if none is foretold.
 *
 * Shapes as for {@link accuracy}: one prediction a row against a threshold, or one for each class. A row with a prediction that is NaN is foretold to be of no class.
 *
 * @throws OptionError for wrong options; from fit and evaluate OptionError for options that do not fit the shapes, ShapeError if the shapes do not fit each
 *   other, DataError for targets that are no class ids or probabilities
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.precision_score.html (`positive` is pos_label)
 */
export function precision(options: PositiveOptions = {}): Metric {
  return positives('precision', ({ foretold, both }) => both / foretold, options);
}

/** Of the rows that are positive, the share that was foretold to be: TP / (TP + FN), FN those that were not. NaN if there is none. Shapes and errors as for {@link precision}. */
export function recall(options: PositiveOptions = {}): Metric {
  return positives('recall', ({ actual, both }) => both / actual, options);
}

/**
 * 2 · precision · recall / (precision + recall), the harmonic mean of both. NaN if no row is positive or foretold to be. Shapes and errors as for
 * {@link precision}.
 */
export function f1(options: PositiveOptions = {}): Metric {
  return positives('f1', ({ foretold, actual, both }) => (2 * both) / (foretold + actual), options);
}
