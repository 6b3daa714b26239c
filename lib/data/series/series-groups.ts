/** Several series in one table. */
import { append } from '../../append.js';
import { NdArray } from '../../array.js';
import { checkArray } from '../../array-check.js';
import { DataError, ShapeError, formatShape } from '../../errors.js';
import { sameShape } from '../../graph/shape.js';
import type { NumericArray } from '../../native.js';
import type { Rule } from '../../options.js';
import { takeRows } from '../take.js';

/** Which series each row is of: ids `[R]`, or a list of R names. */
export type SeriesGroups = NdArray | readonly string[];

/** Rows [begin, end). */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

export const seriesGroups: Rule = {
  expected: 'an array of ids or a list of names',
  accepts: (value) => value instanceof NdArray || (Array.isArray(value) && value.every((name) => typeof name === 'string')),
};

/**
 * The rows of one series after those of another, in the order of their first rows, and where each begins and ends.
 * @throws ShapeError unless there is one id a row; DataError for an id that is no whole number; StateError if their buffer is gone
 */
export function bySeries(
  what: string,
  rows: NdArray,
  groups: SeriesGroups | undefined,
): { readonly rows: NdArray; readonly spans: readonly Span[] } {
  const count = rows.shape[0]!;
  if (groups === undefined) return { rows, spans: [{ begin: 0, end: count }] };
  const ids = idsOf(what, groups, count);
  const rowsById = new Map<number | string, number[]>();
  for (let row = 0; row < count; row++) append(rowsById, ids[row]!, row);
  const series = [...rowsById.values()];
  let end = 0;
  const spans = series.map(({ length }) => ({ begin: end, end: (end += length) }));
  return { rows: takeRows(rows, series.flat()), spans };
}

function idsOf(what: string, groups: SeriesGroups, rows: number): NumericArray | readonly string[] {
  if (groups instanceof NdArray) checkArray(what, 'groups', groups);
  const shape = groups instanceof NdArray ? groups.shape : [groups.length];
  if (!sameShape(shape, [rows])) throw new ShapeError(`${what}: expected one id a row [${rows}] for groups, got ${formatShape(shape)}.`);
  if (!(groups instanceof NdArray)) return groups;
  const at = groups.data.findIndex((id) => !Number.isInteger(id));
  if (at >= 0) throw new DataError(`${what}: expected whole numbers for groups, got ${groups.data[at]} at row ${at}.`);
  return groups.data;
}
