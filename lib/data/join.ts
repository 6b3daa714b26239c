/** Arrays put together, as rows of one. */
import { NdArray } from '../array.js';
import { checkArray } from '../array-check.js';
import { DTypeError, DataError, ShapeError, formatShape } from '../errors.js';
import { type Shape, sameShape } from '../graph/shape.js';
import type { NumericArray } from '../native.js';
import { kindOf } from '../options.js';
import { type Kind, newArray } from './new-array.js';

/**
 * The rows of all arrays, one after another, copied, such as those of several files.   [Nᵢ, ...] each → [ΣNᵢ, ...]
 * @throws DataError for what is no list of at least one array; ShapeError or DTypeError unless all rows have one shape and element type; OptionError if the result does
 *   not fit into memory
 */
export function concatRows<T extends NumericArray>(arrays: readonly NdArray<T>[]): NdArray<T> {
  const row = ({ shape }: NdArray): Shape => shape.slice(1);
  const first = checkAlike('concatRows', arrays, 'arrays of rows', row);
  const scalar = arrays.findIndex(({ rank }) => rank === 0);
  if (scalar >= 0)
    throw new ShapeError(`concatRows: expected arrays of rank ≥ 1 [N, ...], got [] at ${scalar}. stackRows makes each a row.`);
  const rows = arrays.reduce((sum, { shape }) => sum + shape[0]!, 0);
  return joined('concatRows', arrays, [rows, ...row(first)]);
}

/**
 * Each array as one row, copied, such as images of one size or windows of sound.   N of [...] → [N, ...]
 * @throws DataError for what is no list of at least one array; ShapeError or DTypeError unless all have one shape and element type; OptionError if the result does
 *   not fit into memory
 */
export function stackRows<T extends NumericArray>(arrays: readonly NdArray<T>[]): NdArray<T> {
  const first = checkAlike('stackRows', arrays, 'arrays', ({ shape }) => shape);
  return joined('stackRows', arrays, [arrays.length, ...first.shape]);
}

/** The elements of arrays of one type one after another. */
function joined<T extends NumericArray>(what: string, arrays: readonly NdArray<T>[], shape: Shape): NdArray<T> {
  const data = newArray(what, arrays[0]!.data.constructor as Kind<T>, shape, 'Take fewer at once.');
  let at = 0;
  for (const x of arrays) {
    data.set(x.data, at);
    at += x.size;
  }
  return new NdArray(data, shape);
}

/** @param rowOf the shape that all must have. @returns the first */
function checkAlike<T extends NumericArray>(
  what: string,
  arrays: readonly NdArray<T>[],
  parts: string,
  rowOf: (x: NdArray) => Shape,
): NdArray<T> {
  const given: unknown = arrays;
  if (!Array.isArray(given)) throw new DataError(`${what}: expected a list of arrays, got ${kindOf(given)}. Put all of them in one list.`);
  // Holes are looked at too.
  Array.from(arrays).forEach((x, i) => checkArray(what, `array ${i}`, x));
  const [first] = arrays;
  if (first === undefined) throw new DataError(`${what}: expected at least one array, got none.`);
  const at = arrays.findIndex((x) => x.dtype !== first.dtype || !sameShape(rowOf(x), rowOf(first)));
  if (at < 0) return first;
  const other = arrays[at]!;
  const Kind = other.dtype === first.dtype ? ShapeError : DTypeError;
  const [got, after] = [other, first].map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`);
  throw new Kind(`${what}: expected ${parts} of one shape and element type, got ${got} at ${at} after ${after}.`);
}
