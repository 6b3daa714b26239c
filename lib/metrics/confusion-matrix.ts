/** Which classes a model mistakes for which: confusionMatrix() and classReport(), of arrays when the training is done. */
import { NdArray } from '../array.js';
import { checkArray } from '../array-check.js';
import { DataError, OptionError, ShapeError, formatShape } from '../errors.js';
import { sameShape } from '../graph/shape.js';
import { positionOf } from '../losses/class-ids.js';
import { checkOptions, count, finite, integer } from '../options.js';

/** Options of {@link confusionMatrix}. */
export interface ConfusionMatrixOptions {
  /** How many classes there are, C. Default: as many as there are scores in a row, of one score a row 2; to be given for ids. */
  readonly classes?: number | undefined;
  /** Scores above it are of class 1, where there is one a row. Default: 0, right for logits; use 0.5 after Sigmoid. */
  readonly threshold?: number | undefined;
  /** Rows whose target is this class id are padding and do not count. Default: none. */
  readonly ignoreIndex?: number | undefined;
}

/** From the position of a row to the class that is foretold. */
type Foretold = (row: number) => number;

/**
 * How often each class was taken for each.
 * @param predictions as `model.predict` gives them: scores [..., C], of which the largest decides, or one a row [..., 1], of class 1 above `threshold`. Or class ids [...], for which
 *   `classes` is given; of the same shape as the targets scores [N] need `threshold`
 * @param targets class ids [...]; of one score a row also [..., 1]
 * @returns counts [C, C]: a row for each true class, a column for each predicted one
 * @throws ShapeError if the arrays do not fit; DataError for what is no array, naming the first id that is no class or score that is NaN; OptionError for wrong options
 */
export function confusionMatrix(predictions: NdArray, targets: NdArray, options: ConfusionMatrixOptions = {}): NdArray<Int32Array> {
  checkOptions(what, options, { classes: count, threshold: finite, ignoreIndex: integer });
  for (const [name, x] of Object.entries({ predictions, targets })) checkArray(what, name, x, 'Wrap the numbers: array([0, 1, 1]).');
  const { foretold, classes } = isSingle(predictions, targets, options)
    ? { foretold: byThreshold(predictions, options.threshold ?? 0), classes: options.classes ?? 2 }
    : byClass(predictions, targets, options);

  const counts = new Int32Array(classes * classes);
  const checked = (name: string, id: number, i: number): number => {
    if (Number.isInteger(id) && id >= 0 && id < classes) return id;
    const padding = name === 'targets' && (id < 0 || id === 255) ? `, or leave rows of it out by ignoreIndex: ${id}` : '';
    throw new DataError(
      `${what}: expected class ids 0 … ${classes - 1} for ${name}, got ${id} at row ${positionOf(i, targets)}. Number the classes from 0${padding}.`,
    );
  };
  targets.data.forEach((target, i) => {
    if (target === options.ignoreIndex) return;
    counts[checked('targets', target, i) * classes + checked('predictions', foretold(i), i)]!++;
  });
  return new NdArray(counts, [classes, classes]);
}

const what = 'confusionMatrix';

/** Whether there is one score a row: [..., 1] for targets [...]; of the shape of the targets [..., 1] unless `classes` is given, or any with `threshold`. */
function isSingle({ shape }: NdArray, targets: NdArray, { classes, threshold }: ConfusionMatrixOptions): boolean {
  if (sameShape(shape, [...targets.shape, 1])) return true;
  const isColumn = shape.length > 1 && shape.at(-1) === 1;
  return sameShape(shape, targets.shape) && (threshold !== undefined || (classes === undefined && isColumn));
}

function byThreshold(scores: NdArray, threshold: number): Foretold {
  return (row) => Number(score(scores, row) > threshold);
}

/** The largest score of each row, or ids as they are. */
function byClass(
  predictions: NdArray,
  targets: NdArray,
  { classes, threshold }: ConfusionMatrixOptions,
): { readonly foretold: Foretold; readonly classes: number } {
  if (sameShape(predictions.shape, targets.shape)) {
    if (classes !== undefined) return { foretold: (row) => predictions.data[row]!, classes };
    throw new OptionError(
      `${what}: expected classes for predictions that are class ids, of the shape of the targets ${formatShape(targets.shape)}, got none. Give classes, or threshold for scores; of one-hot targets give the ids.`,
    );
  }
  const columns = predictions.shape.at(-1) ?? 0;
  if (!sameShape(predictions.shape, [...targets.shape, columns])) {
    throw new ShapeError(
      `${what}: expected predictions of shape ${formatShape(targets.shape)} or [${[...targets.shape, 'C'].join(', ')}] for targets of shape ${formatShape(targets.shape)}, got ${formatShape(predictions.shape)}. Give one class id a row as targets.`,
    );
  }
  if (threshold !== undefined)
    throw new OptionError(
      `${what}: expected no threshold for ${columns} scores a row, of which the largest decides, got ${threshold}. Leave it out.`,
    );
  return { foretold: (row) => largest(predictions, row, columns), classes: classes ?? columns };
}

/** Position of the first largest score of a row. */
function largest(scores: NdArray, row: number, columns: number): number {
  let best = 0;
  for (let i = 0; i < columns; i++) if (score(scores, row * columns + i) > scores.data[row * columns + best]!) best = i;
  return best;
}

/** @throws DataError if it is NaN */
function score(scores: NdArray, i: number): number {
  const value = scores.data[i]!;
  if (!Number.isNaN(value)) return value;
  throw new DataError(
    `${what}: expected scores, got NaN at row ${positionOf(i, scores)}. Check the inputs; fit with debug: true names the layer of the first NaN.`,
  );
}

/** How well one class is told from the others. */
export interface ClassReport {
  /** Of the rows foretold to be of this class, the share that is. NaN if there is none. */
  readonly precision: number;
  /** Of the rows of this class, the share that was foretold to be. NaN if there is none. */
  readonly recall: number;
  /** 2 · precision · recall / (precision + recall). NaN if no row is of this class or foretold to be. */
  readonly f1: number;
  /** Rows of this class. */
  readonly support: number;
}

/**
 * One entry for each class, of the counts of {@link confusionMatrix}.
 * @throws DataError for what is no array; ShapeError unless they are [C, C]
 */
export function classReport(counts: NdArray): readonly ClassReport[] {
  checkArray('classReport', 'counts', counts, 'Give what confusionMatrix returns.');
  const [classes = 0] = counts.shape;
  if (!sameShape(counts.shape, [classes, classes]))
    throw new ShapeError(`classReport: expected counts [C, C], got ${formatShape(counts.shape)}. Give what confusionMatrix returns.`);
  const total = (of: (i: number) => number): number =>
    Array.from({ length: classes }, (_, i) => counts.data[of(i)]!).reduce((a, b) => a + b, 0);
  return Array.from({ length: classes }, (_, c) => {
    const both = counts.data[c * classes + c]!;
    const support = total((i) => c * classes + i);
    const foretold = total((i) => i * classes + c);
    return { precision: both / foretold, recall: both / support, f1: (2 * both) / (foretold + support), support };
  });
}
