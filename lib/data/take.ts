/** Rows and columns of arrays by their numbers. */
import { NdArray, checkIntact } from '../array.js';
import { checkArray } from '../array-check.js';
import { OptionError, ShapeError, formatShape } from '../errors.js';
import { sizeOf } from '../graph/shape.js';
import type { NumericArray } from '../native.js';
import { type Rule, check, nonNegativeInteger, show } from '../options.js';
import { checkAttached, isView } from '../typed-arrays.js';

/**
 * The rows of x at `ids`, a list or an array [K], copied.   x [N, ...] → [K, ...]
 * @throws DataError for what is no array; ShapeError for a scalar, or ids of another rank; OptionError for ids that are no list, and an id that is no row
 */
export function takeRows<T extends NumericArray>(x: NdArray<T>, ids: ArrayLike<number> | NdArray): NdArray<T> {
  checkArray('takeRows', 'x', x);
  const [rows, ...row] = x.shape;
  if (rows === undefined) throw new ShapeError('takeRows: expected x of rank ≥ 1 [N, ...], got []. Give it a batch dimension.');
  const list = checkedIds('takeRows', 'row', ids, rows);
  const width = sizeOf(row);
  const data = emptyLike(x.data, list.length * width);
  for (let i = 0; i < list.length; i++) copyRow(x.data, list[i]! * width, data, i * width, width);
  return new NdArray(data, [list.length, ...row]);
}

/** Elements from which on a view of a row costs less than it saves. */
const viewed = 64;

/** The `width` elements from `begin` on, to place `at`. */
export function copyRow(from: NumericArray, begin: number, to: NumericArray, at: number, width: number): void {
  if (width >= viewed) to.set(from.subarray(begin, begin + width), at);
  else for (let i = 0; i < width; i++) to[at + i] = from[begin + i]!;
}

/**
 * The columns of x at `ids`, a list or an array [K], copied, in that order: parts of its last dimension.   x [N, ..., C] → [N, ..., K]
 * ```ts
 * const { data, columns } = await readCsv('houses.csv');
 * const x = takeColumns(data, [columns.indexOf('rooms'), columns.indexOf('area')]);
 * ```
 * @throws DataError for what is no array; ShapeError for x of rank 0 or 1, or ids of another rank; OptionError for ids that are no list, and an id that is no column
 */
export function takeColumns<T extends NumericArray>(x: NdArray<T>, ids: ArrayLike<number> | NdArray): NdArray<T> {
  checkArray('takeColumns', 'x', x);
  const columns = x.shape.at(-1);
  if (columns === undefined || x.rank < 2)
    throw new ShapeError(
      `takeColumns: expected x of rank ≥ 2 [N, ..., C], got ${formatShape(x.shape)}. Give a single column shape [N, 1].`,
    );
  const list = checkedIds('takeColumns', 'column', ids, columns);
  const sizes = x.shape.slice(0, -1);
  const data = emptyLike(x.data, sizeOf(sizes) * list.length);
  for (let from = 0, to = 0; to < data.length; from += columns) {
    for (let i = 0; i < list.length; i++) data[to++] = x.data[from + list[i]!]!;
  }
  return new NdArray(data, [...sizes, list.length]);
}

/** @throws ShapeError for ids of another rank than 1; StateError if their buffer is gone; OptionError for what is no list of numbers below `count` */
function checkedIds(what: string, part: 'row' | 'column', ids: ArrayLike<number> | NdArray, count: number): ArrayLike<number> {
  if (ids instanceof NdArray && ids.rank !== 1) throw new ShapeError(`${what}: expected ids of rank 1 [K], got ${formatShape(ids.shape)}.`);
  if (ids instanceof NdArray) checkIntact(what, 'ids', ids);
  else if (isView(ids)) checkAttached(what, ids);
  const list = ids instanceof NdArray ? ids.data : ids;
  check(what, 'ids', list, listOf(part));
  for (let i = 0; i < list.length; i++) {
    const id = list[i]!;
    if (!Number.isInteger(id) || id < 0 || id >= count)
      throw new OptionError(`${what}: expected ${part} numbers 0 … ${count - 1} for ids, got ${show(id)} at ${i}.`);
  }
  return list;
}

function listOf(part: 'row' | 'column'): Rule {
  return {
    expected: `a list of ${part} numbers`,
    accepts: (value) => typeof value === 'object' && nonNegativeInteger.accepts((value as Partial<ArrayLike<number>> | null)?.length),
  };
}

function emptyLike<T extends NumericArray>(data: T, length: number): T {
  const Kind = data.constructor as new (length: number) => T;
  return new Kind(length);
}
