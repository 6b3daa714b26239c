/** What metrics of classes share: which targets they take, and what a row's class is. */
import type { NdArray } from '../array.js';
import { DataError, OptionError, ShapeError, formatShape } from '../errors.js';
import { type Shape, sameShape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { checkScores, sumTolerance, validateIds } from '../losses/class-ids.js';
import { validateUnit } from '../losses/elementwise-loss.js';
import { weightedMean } from '../losses/reduction.js';
import { checkTensors } from '../ops/arguments.js';
import { argmax, equal, greater, max, mean, notEqual, reshape, sum, where } from '../ops/index.js';
import { type Rules, boolean, finite, integer } from '../options.js';

/** How a prediction becomes a decision. */
export interface DecisionOptions {
  /**
   * Predictions above it are positive, where each is a decision of its own: one a row, or with `multiLabel`. Default: 0, right for logits, where it is a
   * probability of ½; use 0.5 after Sigmoid.
   */
  readonly threshold?: number | undefined;
  /**
   * Every column is a decision of its own, for labels of which several or none may hold: targets [..., K] of 0 and 1, as BCEWithLogitsLoss takes them,
   * NaN where nobody knows. Default: false, the columns are classes of which one holds.
   */
  readonly multiLabel?: boolean | undefined;
  /** Rows whose target is this class id are padding and do not count. Default: none. Only for class ids; elsewhere targets that are NaN do not count. */
  readonly ignoreIndex?: number | undefined;
}

export const decisionRules: Rules<DecisionOptions> = { threshold: finite, multiLabel: boolean, ignoreIndex: integer };

/** Predictions that are each a decision, 1 or 0, of the shape of the prediction. */
interface Decisions {
  /** −1 where the prediction is NaN. */
  readonly foretold: Tensor;
  readonly actual: Tensor;
  /** 0 where the target is NaN. */
  readonly counts: Tensor;
}

/**
 * The decisions by a threshold, or undefined where there is a prediction for each class.
 * @throws ShapeError if a target fits no decision; OptionError for options of the other kind
 */
export function decisions(what: string, prediction: Tensor, target: Tensor, options: DecisionOptions): Decisions | undefined {
  checkTensors(what, { prediction, target });
  const { threshold, multiLabel = false, ignoreIndex } = options;
  if (!multiLabel && !isBinary(prediction.shape, target.shape)) {
    if (threshold === undefined) return undefined;
    throw new OptionError(
      `${what}: expected no threshold for a prediction of shape ${formatShape(prediction.shape)}, where the largest of a row decides, got ${threshold}. Leave it out, or give multiLabel: true if every column is a decision of its own.`,
    );
  }
  if (!isBinary(prediction.shape, target.shape) && !sameShape(prediction.shape, target.shape)) {
    throw new ShapeError(
      `${what}: expected a target of shape ${formatShape(prediction.shape)} with multiLabel, got ${formatShape(target.shape)}. Give 0 or 1 for each label.`,
    );
  }
  if (ignoreIndex !== undefined)
    throw new OptionError(
      `${what}: expected no ignoreIndex where the target holds no class ids, got ${ignoreIndex}. Make the targets that do not count NaN.`,
    );
  const y = reshape(target, prediction.shape);
  const foretold = where(equal(prediction, prediction), greater(prediction, threshold ?? 0), noClass);
  return { foretold, actual: greater(y, 0.5), counts: equal(y, y) };
}

/** What a row with a prediction that is NaN is foretold to be. */
const noClass = -1;

/** The class of the largest of each row [..., C] → [...]; −1 where one is NaN. */
export function foretoldClass(prediction: Tensor): Tensor {
  const largest = max(prediction, { axes: -1 });
  return where(equal(largest, largest), argmax(prediction), noClass);
}

/**
 * Class ids [...] of a target that holds them, or of one-hot or probability rows [..., C].
 * @throws ShapeError if it does neither; OptionError if rows are to be ignored by an id
 */
export function classTarget(what: string, prediction: Tensor, target: Tensor, ignoreIndex: number | undefined): Tensor {
  checkTensors(what, { prediction, target });
  checkScores(what, prediction.shape);
  const rows = prediction.shape.slice(0, -1);
  if (sameShape(target.shape, rows)) return target;
  if (!sameShape(target.shape, prediction.shape)) {
    throw new ShapeError(
      `${what}: expected class ids of shape ${formatShape(rows)} or rows of shape ${formatShape(prediction.shape)} for target, got ${formatShape(target.shape)}. Reshape the target.`,
    );
  }
  if (ignoreIndex === undefined) return argmax(target);
  throw new OptionError(
    `${what}: expected no ignoreIndex for a target of rows ${formatShape(target.shape)}, got ${ignoreIndex}. Give class ids, or leave it out.`,
  );
}

/** Looks at targets of decisions by a threshold, or of classes. @throws DataError naming the first that is neither a probability nor, where it may be, an id */
export function checkTargets(what: string, target: NdArray, predictionShape: Shape, options: DecisionOptions = {}): void {
  const { multiLabel = false, ignoreIndex } = options;
  if (!multiLabel && !isBinary(predictionShape, target.shape)) return checkClassTarget(what, target, predictionShape, ignoreIndex);
  validateUnit(what, target, true, 'Relabel the targets 0 and 1; of numbers use mae() or rmse().');
}

/** Looks whether ids of a target are of classes, and rows, if it has a number for each class, one-hot or probabilities. @throws DataError naming the first that is not */
export function checkClassTarget(
  what: string,
  target: NdArray,
  predictionShape: Shape,
  ignoreIndex: number | undefined,
  remedy = `Give ${what}({ multiLabel: true }) for labels of which several or none may hold.`,
): void {
  const classes = predictionShape.at(-1)!;
  if (target.rank === predictionShape.length - 1) return validateIds(what, target, classes, ignoreIndex);
  if (predictionShape.length < 2 || classes < 2 || target.rank !== predictionShape.length || target.shape.at(-1) !== classes) return;
  const { data } = target;
  for (let begin = 0; begin < data.length; begin += classes) {
    let total = 0;
    let least = 0;
    for (let i = begin; i < begin + classes; i++) {
      total += data[i]!;
      least = Math.min(least, data[i]!);
    }
    if (Math.abs(total - 1) <= sumTolerance && least >= 0) continue;
    throw new DataError(
      `${what}: expected class ids, or rows of probabilities that sum to 1, one-hot or not, for target, got ${least < 0 ? least : `a sum of ${total}`} at row ${begin / classes}. ${remedy}`,
    );
  }
}

/** Whether there is one prediction a row, with a target for each: shapes equal up to a last dimension of 1. */
function isBinary(prediction: Shape, target: Shape): boolean {
  const rows = (shape: Shape): Shape => (shape.length > 1 && shape.at(-1) === 1 ? shape.slice(0, -1) : shape);
  const single = prediction.length === 1 || prediction.at(-1) === 1;
  return single && sameShape(rows(prediction), rows(target));
}

/** The mean over the rows whose class is not `ignoreIndex`. */
export function meanOfRows(values: Tensor, ids: Tensor, ignoreIndex: number | undefined): Tensor {
  return ignoreIndex === undefined ? mean(values) : weightedMean(values, notEqual(ids, ignoreIndex));
}

/** How many rows there are whose class is not `ignoreIndex`; undefined: all of them. */
export function countOfRows(ids: Tensor, ignoreIndex: number | undefined): Tensor | undefined {
  return ignoreIndex === undefined ? undefined : sum(notEqual(ids, ignoreIndex));
}
