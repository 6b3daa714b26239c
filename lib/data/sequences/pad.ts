/** Sequences of different lengths as one array. */
import { NdArray } from '../../array.js';
import { checkArray } from '../../array-check.js';
import { DTypeError, DataError, OptionError, ShapeError, formatShape } from '../../errors.js';
import { sizeOf } from '../../graph/shape.js';
import { type Rule, check, checkOptions, count, finite, kindOf } from '../../options.js';
import { isInts } from '../../typed-arrays.js';
import { newArray } from '../new-array.js';

/** One sequence: ids or values [T], or features [T, ...]. */
export type Sequence = Int32Array | NdArray<Int32Array> | NdArray<Float32Array>;

/** Options of {@link padSequences}. */
export interface PadSequencesOptions {
  /** T of the result. Default: that of the longest sequence. */
  readonly length?: number | undefined;
  /** What stands behind the end of a sequence: of int32 sequences a whole number that int32 holds, of float32 any finite number or NaN. Default: 0. */
  readonly value?: number | undefined;
}

/** Sequences filled up to one length. */
export interface PaddedSequences<T extends Int32Array | Float32Array = Int32Array | Float32Array> {
  /** [N, T, ...] */
  readonly x: NdArray<T>;
  /** `[N]`: how much of each row is data. */
  readonly lengths: NdArray<Int32Array>;
}

/**
 * Fills sequences up to one length, at their ends.   N sequences [Tₙ, ...] → x [N, T, ...], lengths [N]
 * @throws OptionError for wrong options, if a sequence is longer than `length`, or if the result does not fit into memory; DataError if there are no sequences or one is empty;
 *   ShapeError or DTypeError if they are not of one kind
 */
export function padSequences(
  sequences: readonly (Int32Array | NdArray<Int32Array>)[],
  options?: PadSequencesOptions,
): PaddedSequences<Int32Array>;
export function padSequences(sequences: readonly NdArray<Float32Array>[], options?: PadSequencesOptions): PaddedSequences<Float32Array>;
export function padSequences(sequences: readonly Sequence[], options?: PadSequencesOptions): PaddedSequences;
export function padSequences(sequences: readonly Sequence[], options: PadSequencesOptions = {}): PaddedSequences {
  checkOptions('padSequences', options, { length: count, value: fill });
  const rows = checkSequences('padSequences', sequences);
  const longest = rows.reduce((most, row) => Math.max(most, row.shape[0]!), 0);
  const { length = longest, value = 0 } = options;
  if (longest > length) {
    const at = rows.findIndex((row) => row.shape[0]! > length);
    throw new OptionError(
      `padSequences: expected sequences of at most length = ${length} steps, got ${rows[at]!.shape[0]} at ${at}. Cut it, or leave length out.`,
    );
  }
  checkFill('padSequences', 'value', value, rows);
  return pad('padSequences', rows, length, value);
}

/** What stands behind the end of a sequence; that of ids is looked at with them, by `checkFill`. */
export const fill: Rule = { expected: 'a finite number or NaN', accepts: (value) => finite.accepts(value) || Number.isNaN(value) };

const int32: Rule = {
  expected: 'a whole number that int32 holds, as the sequences do,',
  accepts: (value) => typeof value === 'number' && (value | 0) === value,
};

/** @throws OptionError unless sequences of this kind can hold `value` */
export function checkFill(what: string, name: string, value: number, [row]: readonly NdArray[]): void {
  if (row?.dtype === 'int32') check(what, name, value, int32);
}

/** Sequences as arrays of one kind. @throws DataError, ShapeError or DTypeError naming the first that is none */
export function checkSequences(what: string, sequences: readonly Sequence[]): readonly NdArray<Int32Array | Float32Array>[] {
  const given: unknown = sequences;
  if (!Array.isArray(given)) throw new DataError(`${what}: expected a list of sequences, got ${kindOf(given)}.`);
  if (sequences.length === 0) throw new DataError(`${what}: expected at least one sequence, got none.`);
  const rows = Array.from(sequences, (sequence): NdArray<Int32Array | Float32Array> =>
    isInts(sequence) ? new NdArray(sequence, [sequence.length]) : sequence,
  );
  const [first] = rows;
  rows.forEach((row, i) => {
    checkArray(what, `sequence ${i}`, row, 'Wrap it: array(data, shape), or give an Int32Array of ids.');
    if (row.dtype === 'uint8' || row.dtype !== first!.dtype) {
      throw new DTypeError(
        `${what}: expected sequences of one element type, float32 or int32, got ${row.dtype} at ${i}${row.dtype === 'uint8' ? '' : ` after ${first!.dtype}`}.`,
      );
    }
    if (row.rank < 1 || row.rank !== first!.rank || row.shape.some((n, axis) => axis > 0 && n !== first!.shape[axis])) {
      throw new ShapeError(
        `${what}: expected sequences of shape [${['T', ...first!.shape.slice(1)].join(', ')}], got ${formatShape(row.shape)} at ${i}.`,
      );
    }
    if (row.shape[0] === 0)
      throw new DataError(`${what}: expected sequences of at least one step, got an empty one at ${i}. Leave it out.`);
  });
  return rows;
}

/** Rows that are checked and no longer than `length`. @throws OptionError if there is no memory for them */
export function pad(what: string, rows: readonly NdArray<Int32Array | Float32Array>[], length: number, value: number): PaddedSequences {
  const step = rows[0]!.shape.slice(1);
  const width = length * sizeOf(step);
  const shape = [rows.length, length, ...step];
  const advice = 'Cut the longest sequences, or take fewer at once.';
  const filled = <T extends Int32Array | Float32Array>(data: T): NdArray<T> => {
    data.fill(value);
    rows.forEach((row, i) => data.set(row.data, i * width));
    return new NdArray(data, shape);
  };
  return {
    x: rows[0]!.dtype === 'int32' ? filled(newArray(what, Int32Array, shape, advice)) : filled(newArray(what, Float32Array, shape, advice)),
    lengths: new NdArray(
      Int32Array.from(rows, (row) => row.shape[0]!),
      [rows.length],
    ),
  };
}
