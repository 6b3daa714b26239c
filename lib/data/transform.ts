/** Changes of data before training: one-hot rows and standardisation. */
import { NdArray, array } from '../array.js';
import { DataError, ShapeError, formatShape } from '../errors.js';
import { sizeOf } from '../graph/tensor.js';
import { check, count } from '../options.js';

/** Class ids [...] as rows [..., classes] of zeros and a one. @throws DataError naming the first id that is no class */
export function toOneHot(ids: NdArray, classes: number): NdArray<Float32Array> {
  check('toOneHot', 'classes', classes, count);
  const rows = new Float32Array(ids.size * classes);
  for (let i = 0; i < ids.size; i++) {
    const id = ids.data[i]!;
    if (!Number.isInteger(id) || id < 0 || id >= classes)
      throw new DataError(`toOneHot: expected class ids 0 … ${classes - 1}, got ${id} at ${i}.`);
    rows[i * classes + id] = 1;
  }
  return new NdArray(rows, [...ids.shape, classes]);
}

/**
 * Brings each feature to mean 0 and deviation 1, with the statistics of the data it was made from; make it from the training
 * set and apply it to all. Features that never change only lose their mean.
 *
 * y = (x − mean) / deviation.   x [N, ...] → y [N, ...] float32
 *
 * Later x may have further dimensions before the features: made from rows [N, C], it also takes windows [N, T, C].
 *
 * @throws ShapeError if x is a scalar, or later of other features; DataError if it has no rows
 */
export class Standardizer {
  readonly mean: Float32Array;
  /** Root of the mean squared distance from the mean. */
  readonly deviation: Float32Array;
  private readonly row: readonly number[];

  constructor(x: NdArray) {
    const [rows, ...row] = x.shape;
    if (rows === undefined) throw new ShapeError('Standardizer: expected x of rank ≥ 1 [N, ...], got []. Give it a batch dimension.');
    if (rows === 0) throw new DataError('Standardizer: expected at least one row, got none.');
    const width = sizeOf(row);
    const mean = new Float64Array(width);
    const squares = new Float64Array(width);
    x.data.forEach((value, i) => (mean[i % width]! += value / rows));
    x.data.forEach((value, i) => (squares[i % width]! += (value - mean[i % width]!) ** 2 / rows));
    this.row = row;
    this.mean = Float32Array.from(mean);
    this.deviation = Float32Array.from(squares, Math.sqrt);
  }

  /** x [N, ...] or [N, T, ...] → (x − mean) / deviation. */
  apply(x: NdArray): NdArray<Float32Array> {
    const width = this.checkedWidth(x);
    const y = Float32Array.from(x.data, (value, i) => (value - this.mean[i % width]!) / (this.deviation[i % width]! || 1));
    return array(y, x.shape);
  }

  /** From mean 0 and deviation 1 back: x = mean + deviation · y.   y [N, ...] or [N, T, ...] → x of that shape, float32 */
  invert(y: NdArray): NdArray<Float32Array> {
    const width = this.checkedWidth(y);
    const x = Float32Array.from(y.data, (value, i) => this.mean[i % width]! + value * (this.deviation[i % width]! || 1));
    return array(x, y.shape);
  }

  private checkedWidth(x: NdArray): number {
    const { row } = this;
    const before = x.rank - row.length;
    // A single number a row fits the end of any shape, so there only rows will do.
    const fits = row.length === 0 ? before === 1 : before >= 1 && row.every((n, i) => n === x.shape[before + i]);
    if (!fits) {
      const expected = row.length === 0 ? ['N'] : ['N', '...', ...row];
      throw new ShapeError(`Standardizer: expected x of shape [${expected.join(', ')}], got ${formatShape(x.shape)}.`);
    }
    return this.mean.length;
  }
}
