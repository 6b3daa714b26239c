/** Rows of arrays, of several arrays and of lists: how many there are, and those at some places. */
import { NdArray } from '../array.js';
import { checkArray } from '../array-check.js';
import { ShapeError, formatShape } from '../errors.js';
import { sameShape } from '../graph/shape.js';
import { isRecord } from '../options.js';
import { isInts } from '../typed-arrays.js';
import { takeRows } from './take.js';

/** One row of a list: a sequence, or a text such as the name of a file. */
export type RowItem = NdArray | Int32Array | string;

/** Rows of an array; of several as `fit` takes them, inputs in a list, targets by name; or of a list with one item a row. */
export type Rows = NdArray | readonly RowItem[] | Readonly<Record<string, NdArray>>;

type List = readonly RowItem[];

/** Lists whose arrays an error names one by one. */
const few = 4;

/**
 * How many rows all of them have.
 * @throws DataError for what has none; ShapeError if they differ, or for a list that may be of inputs as well as of rows
 */
export function rowCount(what: string, data: Readonly<Record<string, Rows>>): number {
  const all = Object.entries(data);
  for (const [name, of] of all) checkRows(what, name, of);
  const parts = all.flatMap(([name, of]): (readonly [name: string, of: NdArray | List])[] =>
    isNamed(of) ? Object.entries(of).map(([part, x]) => [`${name}.${part}`, x]) : [[name, of]],
  );
  const counts = parts.map(([, of]) => countsOf(of));
  const fits = (rows: number | undefined): boolean =>
    rows !== undefined && counts.every(({ inputs, items }) => inputs === rows || items === rows);
  const rows = [counts[0]?.inputs, counts[0]?.items].find(fits);
  if (rows === undefined) {
    const got = parts.map(described).join(' and ') || 'none';
    throw new ShapeError(`${what}: expected arrays of the same number of rows, got ${got}.`);
  }
  const unclear = parts[counts.findIndex(({ inputs, items }) => fits(inputs) && fits(items))];
  if (unclear !== undefined)
    throw new ShapeError(
      `${what}: expected an array for each input or an item for each row in ${unclear[0]}, got ${described(unclear)}, which may be either. Give each input a name of its own beside y: { a, b, y }, or sequences of one length as one array.`,
    );
  return rows;
}

/** Those at `ids`, of what has `rows` rows. */
export function rowsAt(of: Rows, rows: number, ids: Int32Array): Rows {
  if (of instanceof NdArray) return takeRows(of, ids);
  if (isNamed(of)) return Object.fromEntries(Object.entries(of).map(([name, x]) => [name, takeRows(x, ids)]));
  return countsOf(of).inputs === rows ? (of as readonly NdArray[]).map((x) => takeRows(x, ids)) : Array.from(ids, (id) => of[id]!);
}

/** How many rows it has if it is of inputs, and if each item is one; undefined where it cannot be. */
interface Counts {
  readonly inputs?: number | undefined;
  readonly items?: number | undefined;
}

/** Items are several and of one kind: arrays with as many rows each that differ, or one alone, are inputs. */
function countsOf(of: NdArray | List): Counts {
  if (of instanceof NdArray) return { inputs: of.shape[0] };
  const arrays = of.filter((x) => x instanceof NdArray);
  const [first] = arrays;
  const rows = first?.shape[0];
  if (first === undefined || arrays.length < of.length || arrays.some(({ shape }) => shape[0] !== rows)) return { items: of.length };
  const alike = arrays.every(({ dtype, shape }) => dtype === first.dtype && sameShape(shape, first.shape));
  return { inputs: rows, items: alike && arrays.length > 1 ? arrays.length : undefined };
}

function isNamed(of: Rows): of is Readonly<Record<string, NdArray>> {
  return isRecord(of);
}

function isList(of: Rows): of is List {
  return Array.isArray(of);
}

/** @throws DataError for what has no rows; StateError if the buffer of an array is gone */
function checkRows(what: string, name: string, of: Rows): void {
  if (isNamed(of)) for (const [part, x] of Object.entries(of)) checkArray(what, `${name}.${part}`, x);
  else if (!isList(of)) checkArray(what, name, of);
  else for (const [i, x] of of.entries()) if (typeof x !== 'string' && !isInts(x)) checkArray(what, `${name}.${i}`, x);
}

/** As errors say it, however many there are. */
function described([name, of]: readonly [name: string, of: NdArray | List]): string {
  if (of instanceof NdArray) return `${name} ${formatShape(of.shape)}`;
  const arrays = of.filter((x) => x instanceof NdArray);
  if (of.length === 0 || of.length > few || arrays.length < of.length) return `${name} of ${of.length} items`;
  return arrays.map(({ shape }, i) => `${name}.${i} ${formatShape(shape)}`).join(' and ');
}
