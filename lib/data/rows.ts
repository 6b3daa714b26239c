/** Rows of arrays, of several arrays and of lists: how many there are, and those at some places. */
import { NdArray } from '../array.js';
import { checkArray } from '../array-check.js';
import { ShapeError, formatShape } from '../errors.js';
import { isRecord } from '../options.js';
import { isInts } from '../typed-arrays.js';
import { takeRows } from './take.js';

/** One row of a list: a sequence, or a text such as the name of a file. */
export type RowItem = NdArray | Int32Array | string;

/** Rows of an array; of several as `fit` takes them, inputs in a list, targets by name; or of a list with one item a row. */
export type Rows = NdArray | readonly RowItem[] | Readonly<Record<string, NdArray>>;

/** Lists whose arrays an error names one by one. */
const few = 4;

/**
 * How many rows all of them have.
 * @throws DataError for what has none; ShapeError if they differ, or for a list that may be of inputs as well as of rows
 */
export function rowCount(what: string, data: Readonly<Record<string, Rows>>): number {
  const all = Object.entries(data);
  for (const [name, of] of all) checkRows(what, name, of);
  const found = new Set(
    all.flatMap(([, of]) => [
      ...(isList(of) ? [of.length] : []),
      ...partsOf(of)
        .slice(0, 1)
        .flatMap(([, x]) => rowsOf(x) ?? []),
    ]),
  );
  const [rows, ...others] = [...found].filter((n) => all.every(([, of]) => areInputs(of, n) || areItems(of, n)));
  if (rows === undefined) {
    const got = all.map(([name, of]) => described(name, of)).join(' and ') || 'none';
    throw new ShapeError(`${what}: expected arrays of the same number of rows, got ${got}.`);
  }
  const unclear = all.find(([, of]) => isList(of) && (others.length > 0 || (areInputs(of, rows) && areItems(of, rows))));
  if (unclear !== undefined)
    throw new ShapeError(
      `${what}: expected an array for each input or an item for each row in ${unclear[0]}, got ${described(...unclear)}, which may be either. Give inputs by name, or sequences of one length as one array.`,
    );
  return rows;
}

/** Those at `ids`, of what has `rows` rows. */
export function rowsAt(of: Rows, rows: number, ids: Int32Array): Rows {
  if (of instanceof NdArray) return takeRows(of, ids);
  if (isList(of)) return areInputs(of, rows) ? (of as readonly NdArray[]).map((x) => takeRows(x, ids)) : Array.from(ids, (id) => of[id]!);
  return Object.fromEntries(partsOf(of).map(([name, x]) => [name, takeRows(x as NdArray, ids)]));
}

function isList(of: Rows): of is readonly RowItem[] {
  return Array.isArray(of);
}

/** Whether each of them, of which there may be none, is an array with so many rows. */
function areInputs(of: Rows, rows: number): boolean {
  return partsOf(of).every(([, x]) => rowsOf(x) === rows);
}

function areItems(of: Rows, rows: number): boolean {
  return isList(of) && of.length === rows;
}

/** What it consists of, by name or place. */
function partsOf(of: Rows): readonly (readonly [name: string, part: RowItem])[] {
  if (isList(of)) return Array.from(of, (x, i) => [String(i), x]);
  return isRecord(of) ? Object.entries(of as Readonly<Record<string, NdArray>>) : [['', of]];
}

function rowsOf(x: RowItem): number | undefined {
  return x instanceof NdArray ? x.shape[0] : undefined;
}

/** @throws DataError for what has no rows; StateError if the buffer of an array is gone */
function checkRows(what: string, name: string, of: Rows): void {
  for (const [part, x] of partsOf(of)) {
    if (isList(of) && (typeof x === 'string' || isInts(x))) continue;
    checkArray(what, part === '' ? name : `${name}.${part}`, x);
  }
}

/** As errors say it, however many there are. */
function described(name: string, of: Rows): string {
  const parts = partsOf(of);
  if (parts.length > few || parts.some(([, x]) => !(x instanceof NdArray))) return `${name} of ${parts.length} items`;
  return parts.map(([part, x]) => `${part === '' ? name : `${name}.${part}`} ${formatShape((x as NdArray).shape)}`).join(' and ');
}
