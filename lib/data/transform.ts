/** Changes of data before training: one-hot rows and standardisation. */
import { NdArray, array } from '../array.js';
import { checkArray } from '../array-check.js';
import { DataError, ShapeError, formatShape } from '../errors.js';
import { sizeOf } from '../graph/shape.js';
import { newArray } from './new-array.js';
import { type Rule, check, checkOptions, count, finite, isNumbers, nonNegativeInteger, required } from '../options.js';

/** Class ids [...] as rows [..., classes] of zeros and a one. @throws OptionError if they do not fit into memory; DataError for what is no array, or naming the first id that is no class */
export function toOneHot(ids: NdArray, classes: number): NdArray<Float32Array> {
  check('toOneHot', 'classes', classes, count);
  checkArray('toOneHot', 'ids', ids);
  const shape = [...ids.shape, classes];
  const rows = newArray('toOneHot', Float32Array, shape, 'Keep the ids: CrossEntropyLoss and Embedding take them as they are.');
  for (let i = 0; i < ids.size; i++) {
    const id = ids.data[i]!;
    if (!Number.isInteger(id) || id < 0 || id >= classes)
      throw new DataError(`toOneHot: expected class ids 0 … ${classes - 1}, got ${id} at ${i}.`);
    rows[i * classes + id] = 1;
  }
  return new NdArray(rows, shape);
}

/** The statistics of a {@link Standardizer}. */
export interface StandardizerValues {
  /** Of each feature of a row, in the order of its elements. */
  readonly mean: Float64Array | Float32Array | readonly number[];
  readonly deviation: Float64Array | Float32Array | readonly number[];
  /** Shape of a row. Default: one dimension, as many features as there are means. */
  readonly row?: readonly number[] | undefined;
}

/** Options of {@link Standardizer.apply}. */
export interface StandardizeOptions {
  /** What NaN, a missing value, becomes, in the units of the result: 0 is the mean. Default: it stays NaN. */
  readonly missing?: number | undefined;
}

const finiteNumbers: Rule = { expected: 'an array of finite numbers', accepts: (value) => isNumbers(value, () => true) };
const deviations: Rule = { expected: 'an array of numbers ≥ 0', accepts: (value) => isNumbers(value, (n) => n >= 0) };
const sizes: Rule = { expected: 'a list of sizes', accepts: (value) => Array.isArray(value) && value.every(nonNegativeInteger.accepts) };

/**
 * Brings each feature to mean 0 and deviation 1, with the statistics of the data it was made from; make it from the training
 * set and apply it to all. Features that never change have deviation 0 and only lose their mean. NaN, where a value is missing, is left out of
 * the statistics, and becomes what `missing` says, or stays. NaN in the inputs of a model makes its loss and all its weights NaN in one step:
 * give `apply(x, { missing: 0 })`; `checkFinite: true` refuses a fit on NaN, and `debug: true` says where it comes up.
 *
 * y = (x − mean) / deviation.   x [N, ...] → y [N, ...] float32, computed in double precision
 *
 * Later x may have further dimensions before the features: made from rows [N, C], it also takes windows [N, T, C].
 *
 * A model that standardises for itself begins with `new Normalize({ mean: standardizer.mean, std: standardizer.deviation })`, for rows [N, C].
 *
 * A file keeps the statistics as JSON: `JSON.stringify(standardizer)`, and later `Standardizer.from(JSON.parse(text))`.
 *
 * All of it is done at once on the calling thread.
 *
 * @throws ShapeError if x is a scalar, or later of other features; DataError if it is no array or has no rows, or a feature without a number or with infinity
 */
export class Standardizer {
  readonly mean: Float64Array;
  /** Root of the mean squared distance from the mean; exactly 0 where all numbers are the same. */
  readonly deviation: Float64Array;
  /** Shape of a row. */
  readonly row: readonly number[];

  constructor(x: NdArray) {
    checkArray('Standardizer', 'x', x);
    const [rows, ...row] = x.shape;
    if (rows === undefined) throw new ShapeError('Standardizer: expected x of rank ≥ 1 [N, ...], got []. Give it a batch dimension.');
    if (rows === 0) throw new DataError('Standardizer: expected at least one row, got none.');
    const width = sizeOf(row);
    const counts = new Float64Array(width);
    const first = new Float64Array(width);
    const squares = new Float64Array(width);
    // Three plain loops: one that calls a function for each number takes four times as long.
    for (let i = 0; i < x.size;)
      for (let feature = 0; feature < width; feature++, i++) {
        const value = x.data[i]!;
        if (!Number.isNaN(value) && counts[feature]!++ === 0) first[feature] = value;
      }
    // Distances from the first number add up to exactly 0 where all are the same; shares of the numbers do not add up to them.
    const mean = first.slice();
    for (let i = 0; i < x.size;)
      for (let feature = 0; feature < width; feature++, i++) {
        const value = x.data[i]!;
        if (!Number.isNaN(value)) mean[feature]! += (value - first[feature]!) / counts[feature]!;
      }
    for (let i = 0; i < x.size;)
      for (let feature = 0; feature < width; feature++, i++) {
        const value = x.data[i]!;
        if (!Number.isNaN(value)) squares[feature]! += (value - mean[feature]!) ** 2 / counts[feature]!;
      }
    const wrong = mean.findIndex((value, feature) => counts[feature] === 0 || !Number.isFinite(value));
    if (wrong >= 0) {
      const got = counts[wrong] === 0 ? 'NaN alone' : 'infinity';
      throw new DataError(`Standardizer: expected finite numbers, or NaN for some, in feature ${wrong}, got ${got}. Leave it out.`);
    }
    this.row = row;
    this.mean = mean;
    this.deviation = squares.map(Math.sqrt);
  }

  /**
   * The standardizer with these statistics, as those of the training where the training data are not.
   * @throws OptionError for anything but finite numbers, deviations ≥ 0; ShapeError unless there is one of each for every feature
   */
  static from(values: StandardizerValues): Standardizer {
    checkOptions('Standardizer.from', values, { mean: required(finiteNumbers), deviation: required(deviations), row: sizes });
    const { mean, deviation, row = [mean.length] } = values;
    const width = sizeOf(row);
    if (mean.length !== width || deviation.length !== width)
      throw new ShapeError(
        `Standardizer.from: expected ${width} means and deviations for rows of shape ${formatShape(row)}, got ${mean.length} and ${deviation.length}.`,
      );
    const standardizer = new Standardizer(array(new Float32Array(width), [1, ...row]));
    standardizer.mean.set(mean);
    standardizer.deviation.set(deviation);
    return standardizer;
  }

  /** As `from` takes it, for JSON.stringify. */
  toJSON(): StandardizerValues {
    return { mean: [...this.mean], deviation: [...this.deviation], row: this.row };
  }

  /** x [N, ...] or [N, T, ...] → (x − mean) / deviation, and `missing` for NaN. @throws OptionError if that is no finite number */
  apply(x: NdArray, options: StandardizeOptions = {}): NdArray<Float32Array> {
    const { missing = NaN } = checkOptions('Standardizer.apply', options, { missing: finite });
    return this.#eachElement(x, (value, mean, deviation) => (Number.isNaN(value) ? missing : (value - mean) / deviation));
  }

  /** From mean 0 and deviation 1 back: x = mean + deviation · y.   y [N, ...] or [N, T, ...] → x of that shape, float32 */
  invert(y: NdArray): NdArray<Float32Array> {
    return this.#eachElement(y, (value, mean, deviation) => mean + value * deviation);
  }

  /** `change` of each element and the statistics of its feature, a deviation of 0 as 1. */
  #eachElement(x: NdArray, change: (value: number, mean: number, deviation: number) => number): NdArray<Float32Array> {
    checkArray('Standardizer', 'x', x);
    const { row } = this;
    const before = x.rank - row.length;
    // A single number a row fits the end of any shape, so there only rows will do.
    const fits = row.length === 0 ? before === 1 : before >= 1 && row.every((n, i) => n === x.shape[before + i]);
    if (!fits) {
      const expected = row.length === 0 ? ['N'] : ['N', '...', ...row];
      throw new ShapeError(`Standardizer: expected x of shape [${expected.join(', ')}], got ${formatShape(x.shape)}.`);
    }
    const deviation = this.deviation.map((d) => d || 1);
    const changed = new Float32Array(x.size);
    for (let i = 0; i < changed.length;)
      for (let feature = 0; feature < deviation.length; feature++, i++)
        changed[i] = change(x.data[i]!, this.mean[feature]!, deviation[feature]!);
    return new NdArray(changed, x.shape);
  }
}
