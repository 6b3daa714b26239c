/** Shuffling and splitting of rows. */
import { append } from '../append.js';
import { NdArray } from '../array.js';
import { DataError, OptionError, ShapeError, formatShape } from '../errors.js';
import type { NumericArray } from '../native.js';
import { boolean, checkOptions, isRecord, kindOf, oneOf, seed as seedRule, share } from '../options.js';
import { Philox, type Random } from '../random.js';
import { type Rows, rowCount, rowsAt } from './rows.js';

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
  /**
   * Name of an array of ids [N], or of a list of names, such as 'speaker': rows with one id stay together, in training or in the test set. `testFraction` is
   * then the share of the ids. Not with `stratify`. Default: none.
   */
  readonly groups?: Name | undefined;
}

/**
 * Shuffles the rows of all arrays alike and splits them in two: of `{ x, y }`, each an array with one row for each example, or several in a list or by
 * name, `{ x: [tokens, lengths], y: { digit, angle } }`. A list with one item for each row is divided by its items: sequences, or names of files. Arrays in a list that have
 * as many rows each are inputs if they differ in shape or element type.
 *
 * All of it is done at once on the calling thread.
 * @throws OptionError for wrong options or if a part would be empty; DataError for what is no array, or class ids that are no whole numbers;
 *   ShapeError if arrays differ in rows, ids are not one array of one a row, or a list may be one of inputs as well as of rows
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
    groups: oneOf(...Object.keys(data)),
  });
  const { testFraction = 0.2, seed = 0, shuffle = true, stratify, groups } = options;
  if (stratify !== undefined && !shuffle)
    throw new OptionError('trainTestSplit: expected no stratify with shuffle: false, got both. The last rows have the classes they have.');
  if (groups !== undefined && (stratify !== undefined || !shuffle))
    throw new OptionError(`trainTestSplit: expected no groups with ${stratify === undefined ? 'shuffle: false' : 'stratify'}, got both.`);
  const rows = rowCount('trainTestSplit', data);
  const groupOf = groups === undefined ? undefined : (namesOf(data[groups]) ?? idsOf('groups', groups, data[groups], rows));
  const tested = testedOf(
    groupOf === undefined ? rows : new Set<number | string>(groupOf).size,
    groupOf === undefined ? 'rows' : 'groups',
    testFraction,
  );
  const random = new Philox(seed);
  // Rows that are tested come first.
  const order = shuffle ? random.permutation(rows) : new Int32Array(rows).map((_, i) => (i + rows - tested) % rows);
  const [test, train] =
    groupOf !== undefined
      ? grouped(order, groupOf, tested, random)
      : stratify !== undefined
        ? stratified(order, idsOf('stratify', stratify, data[stratify], rows), tested, random)
        : [order.subarray(0, tested), order.subarray(tested)];
  const take = (ids: Int32Array): Data =>
    Object.fromEntries(Object.entries<Rows>(data).map(([name, one]) => [name, rowsAt(one, rows, ids)])) as Data;
  return { train: take(train), test: take(test) };
}

/** How many of `count` are tested. @throws OptionError if that leaves none for one of the parts */
function testedOf(count: number, what: 'rows' | 'groups', testFraction: number): number {
  const tested = Math.round(count * testFraction);
  if (tested > 0 && tested < count) return tested;
  throw new OptionError(`trainTestSplit: expected ${what} for both parts, got ${count} ${what} and testFraction ${testFraction}.`);
}

/** Of the groups `tested` random ones, each as likely as any other, with all their rows. */
function grouped(
  order: Int32Array,
  groups: NumericArray | readonly string[],
  tested: number,
  random: Random,
): readonly [test: Int32Array, train: Int32Array] {
  const distinct = [...new Set<number | string>(groups)];
  const test = new Set(Array.from(random.permutation(distinct.length).subarray(0, tested), (i) => distinct[i]));
  const isTested = new Uint8Array(order.length);
  for (let row = 0; row < order.length; row++) if (test.has(groups[row])) isTested[row] = 1;
  return parted(order, isTested);
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
  const isTested = new Uint8Array(order.length);
  inOrderOfClasses(order, classes).forEach((row, i) => {
    if (testedBefore(i + 1) > testedBefore(i)) isTested[row] = 1;
  });
  return parted(order, isTested);
}

/** @param isTested 1 at each row that is */
function parted(order: Int32Array, isTested: Uint8Array): readonly [test: Int32Array, train: Int32Array] {
  return [order.filter((row) => isTested[row]), order.filter((row) => !isTested[row])];
}

/** The rows sorted by class, those of one class as they were: without comparing any two. */
function inOrderOfClasses(order: Int32Array, classes: NumericArray): Int32Array {
  const rowsOf = new Map<number, number[]>();
  for (const row of order) append(rowsOf, classes[row]!, row);
  return Int32Array.from([...rowsOf].sort(([a], [b]) => a - b).flatMap(([, rows]) => rows));
}

function namesOf(of: Rows): readonly string[] | undefined {
  return Array.isArray(of) && of.every((name) => typeof name === 'string') ? of : undefined;
}

function idsOf(option: 'stratify' | 'groups', name: string, ids: Rows, rows: number): NumericArray {
  const what = option === 'stratify' ? 'class ids' : 'ids';
  if (!(ids instanceof NdArray)) {
    const expected = option === 'stratify' ? 'one array of class ids' : 'one array of ids or a list of names';
    throw new ShapeError(`trainTestSplit: expected ${expected} in ${name} for ${option}, got several. Give the ids beside it.`);
  }
  const { data, shape } = ids;
  if (data.length !== rows)
    throw new ShapeError(`trainTestSplit: expected ${what} of shape [${rows}] in ${name} for ${option}, got ${formatShape(shape)}.`);
  const at = data.findIndex((id) => !Number.isInteger(id));
  if (at >= 0) throw new DataError(`trainTestSplit: expected ${what} in ${name} for ${option}, got ${data[at]} at row ${at}.`);
  return data;
}
