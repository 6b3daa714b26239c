/** Which classes a model mistakes for which: confusionMatrix() and classReport(), of arrays when the training is done. */
import { NdArray } from '../array.js';
import { DTypeError, DataError, OptionError, ShapeError, formatShape } from '../errors.js';
import { sameShape } from '../graph/tensor.js';
import { positionOf } from '../losses/class-ids.js';
import type { NumericArray } from '../native.js';
import { checkOptions, count, integer, kindOf } from '../options.js';

/** Options of {@link confusionMatrix}. */
export interface ConfusionMatrixOptions {
  /** How many classes there are, C. Default: as many as there are scores in a row; to be given for ids. */
  readonly classes?: number | undefined;
  /** Rows whose target is this class id are padding and do not count. Default: none. */
  readonly ignoreIndex?: number | undefined;
}

/**
 * How often each class was taken for each.
 * @param predictions scores [..., C], of which the largest decides, as `model.predict` gives them, or class ids [...]
 * @param targets class ids [...]
 * @returns counts [C, C]: a row for each true class, a column for each predicted one
 * @throws ShapeError, DTypeError if the arrays do not fit; DataError naming the first id that is no class; OptionError for wrong options
 */
export function confusionMatrix(predictions: NdArray, targets: NdArray, options: ConfusionMatrixOptions = {}): NdArray<Int32Array> {
  const what = 'confusionMatrix';
  checkOptions(what, options, { classes: count, ignoreIndex: integer });
  for (const x of [predictions, targets])
    if (!(x instanceof NdArray)) throw new DTypeError(`${what}: expected two arrays made by array(), got ${kindOf(x)}.`);
  const columns = sameShape(predictions.shape, targets.shape) ? undefined : (predictions.shape.at(-1) ?? 0);
  if (columns !== undefined && !sameShape(predictions.shape, [...targets.shape, columns])) {
    throw new ShapeError(
      `${what}: expected predictions of shape ${formatShape(targets.shape)} or [${[...targets.shape, 'C'].join(', ')}] for targets of shape ${formatShape(targets.shape)}, got ${formatShape(predictions.shape)}.`,
    );
  }
  const { ignoreIndex, classes = columns } = options;
  if (classes === undefined) throw new OptionError(`${what}: expected classes for predictions that are class ids, got none.`);

  const counts = new Int32Array(classes * classes);
  const checked = (name: string, id: number, i: number): number => {
    if (Number.isInteger(id) && id >= 0 && id < classes) return id;
    throw new DataError(
      `${what}: expected class ids 0 … ${classes - 1} for ${name}, got ${id} at row ${positionOf(i, targets)}. Number the classes from 0.`,
    );
  };
  targets.data.forEach((target, i) => {
    if (target === ignoreIndex) return;
    const { data } = predictions;
    const prediction = columns === undefined ? data[i]! : largest(data.subarray(i * columns, (i + 1) * columns));
    counts[checked('targets', target, i) * classes + checked('predictions', prediction, i)]!++;
  });
  return new NdArray(counts, [classes, classes]);
}

/** Position of the first largest value; NaN counts as largest, as for argmax. */
function largest(values: NumericArray): number {
  let best = 0;
  values.forEach((value, i) => {
    if (!(value <= values[best]!) && !Number.isNaN(values[best])) best = i;
  });
  return best;
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
 * @throws ShapeError unless they are [C, C]
 */
export function classReport(counts: NdArray): readonly ClassReport[] {
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
