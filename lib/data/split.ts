/** Shuffling and splitting of rows. */
import type { NdArray } from '../array.js';
import { checkArray } from '../array-check.js';
import { DataError, OptionError, ShapeError, formatShape } from '../errors.js';
import type { NumericArray } from '../native.js';
import { boolean, checkOptions, isRecord, kindOf, oneOf, seed as seedRule, share } from '../options.js';
import { Philox, type Random } from '../random.js';
import { takeRows } from './take.js';

/** Rows of an array, or of several as `fit` takes them: inputs in a list, targets by name. */
export type Rows = NdArray | readonly NdArray[] | Readonly<Record<string, NdArray>>;

/** Options of {@link trainTestSplit}. */
export interface SplitOptions<Name extends string = string> {
  /** Share of the rows that become the test set, in (0, 1). Default: 0.2. */
  readonly testFraction?: number | undefined;
  /** Decides which rows. Default: 0. */
  readonly seed?: number | undefined;
  /** Take random rows in random order; otherwise the last rows become the test set, and all keep their order. Default: true. */
  readonly shuffle?: boolean | undefined;
  /**
   * Name of an array of class ids [N], such as 'y': both parts have as many rows of each class as its share, to within one. The seed decides
   * where the rest goes, so that each row is tested with the same probability, that of a class with a single row too. Default: none.
   */
  readonly stratify?: Name | undefined;
}

/**
 * Shuffles the rows of all arrays alike and splits them in two: of `{ x, y }`, each an array with one row for each example, or several in a list or by
 * name, `{ x: [tokens, lengths], y: { digit, angle } }`.
 * @throws OptionError for wrong options or if a part would be empty; DataError for what is no array, or class ids that are no whole numbers;
 *   ShapeError if arrays differ in rows, or class ids are not one array of one a row
 */
export function trainTestSplit<Data extends { readonly [Name in keyof Data]: Rows }>(
  data: Data,
  options: SplitOptions<keyof Data & string> = {},
): { readonly train: Data; readonly test: Data } {
  if (!isRecord(data)) throw new DataError(`trainTestSplit: expected arrays by name, got ${kindOf(data)}. Give each a name: { x, y }.`);
  checkOptions('trainTestSplit', options, {
    testFraction: share,
    seed: seedRule,
    shuffle: boolean,
    stratify: oneOf(...Object.keys(data)),
  });
  const { testFraction = 0.2, seed = 0, shuffle = true, stratify } = options;
  if (stratify !== undefined && !shuffle)
    throw new OptionError('trainTestSplit: expected no stratify with shuffle: false, got both. The last rows have the classes they have.');
  const rows = rowCount(data);
  const tested = Math.round(rows * testFraction);
  if (tested === 0 || tested === rows)
    throw new OptionError(`trainTestSplit: expected rows for both parts, got ${rows} rows and testFraction ${testFraction}.`);
  const random = new Philox(seed);
  // Rows that are tested come first.
  const order = shuffle ? random.permutation(rows) : new Int32Array(rows).map((_, i) => (i + rows - tested) % rows);
  const [test, train] =
    stratify === undefined
      ? [order.subarray(0, tested), order.subarray(tested)]
      : stratified(order, classIds(stratify, data[stratify], rows), tested, random);
  const take = (ids: Int32Array): Data =>
    Object.fromEntries(Object.entries<Rows>(data).map(([name, one]) => [name, rowsAt(one, ids)])) as Data;
  return { train: take(train), test: take(test) };
}

/** Whether they are of several arrays. */
function areSeveral(rows: Rows): rows is Exclude<Rows, NdArray> {
  return Array.isArray(rows) || isRecord(rows);
}

function rowsAt(of: Rows, ids: Int32Array): Rows {
  if (!areSeveral(of)) return takeRows(of, ids);
  const parts = Object.entries<NdArray>(of).map(([name, x]): [string, NdArray] => [name, takeRows(x, ids)]);
  return Array.isArray(of) ? parts.map(([, x]) => x) : Object.fromEntries(parts);
}

/**
 * Of the rows in order of their classes, those at even distances from a random beginning are tested: `tested` of them, of each class its share to
 * within one, and each row with the same probability.
 * @see Madow 1949, On the theory of systematic sampling, II
 */
function stratified(
  order: Int32Array,
  classes: NumericArray,
  tested: number,
  random: Random,
): readonly [test: Int32Array, train: Int32Array] {
  const begin = Math.floor(random.uniform53(1)[0]! * order.length);
  const testedBefore = (i: number): number => Math.floor((i * tested + begin) / order.length);
  const byClass = order.toSorted((a, b) => classes[a]! - classes[b]!);
  const test = new Set(byClass.filter((_, i) => testedBefore(i + 1) > testedBefore(i)));
  return [order.filter((row) => test.has(row)), order.filter((row) => !test.has(row))];
}

function classIds(name: string, ids: Rows, rows: number): NumericArray {
  if (areSeveral(ids))
    throw new ShapeError(`trainTestSplit: expected one array of class ids in ${name} for stratify, got several. Give the ids beside it.`);
  const { data, shape } = ids;
  if (data.length !== rows)
    throw new ShapeError(`trainTestSplit: expected class ids of shape [${rows}] in ${name} for stratify, got ${formatShape(shape)}.`);
  const at = data.findIndex((id) => !Number.isInteger(id));
  if (at >= 0) throw new DataError(`trainTestSplit: expected class ids in ${name} for stratify, got ${data[at]} at row ${at}.`);
  return data;
}

function rowCount(data: Readonly<Record<string, Rows>>): number {
  const arrays = Object.entries(data).flatMap(([name, of]): [string, NdArray][] =>
    areSeveral(of) ? Object.entries<NdArray>(of).map(([part, x]) => [`${name}.${part}`, x]) : [[name, of]],
  );
  for (const [name, x] of arrays) checkArray('trainTestSplit', name, x);
  const rows = arrays[0]?.[1].shape[0];
  if (rows === undefined || arrays.some(([, x]) => x.shape[0] !== rows)) {
    throw new ShapeError(
      `trainTestSplit: expected arrays of the same number of rows, got ${arrays.map(([name, x]) => `${name} ${formatShape(x.shape)}`).join(' and ') || 'none'}.`,
    );
  }
  return rows;
}
