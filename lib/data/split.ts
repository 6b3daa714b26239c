/** Shuffling and splitting of rows: trainTestSplit, kFold. */
import { append } from '../append.js';
import { NdArray } from '../array.js';
import { DataError, OptionError, ShapeError, formatShape } from '../errors.js';
import type { NumericArray } from '../native.js';
import { type Rule, boolean, check, checkOptions, isRecord, kindOf, oneOf, seed as seedRule, share } from '../options.js';
import { Philox, type Random } from '../random.js';
import { type Rows, rowCount, rowsAt } from './rows.js';

/** How rows are told apart. */
export interface RowChoiceOptions<Name extends string = string> {
  /** Decides which rows. Default: 0. */
  readonly seed?: number | undefined;
  /** Take random rows in random order; otherwise all keep their order. Default: true. */
  readonly shuffle?: boolean | undefined;
  /**
   * Name of an array of class ids [N], such as 'y': all parts have as many rows of each class as its share, to within one. The seed decides
   * where the rest goes, so that each row is tested with the same probability, that of a class with a single row too. Default: none.
   */
  readonly stratify?: Name | undefined;
  /**
   * Name of an array of ids [N], or of a list of names, such as 'speaker': rows with one id stay together. Sizes of parts are
   * then shares of the ids. Not with `stratify`. Default: none.
   */
  readonly groups?: Name | undefined;
}

/** Options of {@link trainTestSplit}. Without `shuffle` the last rows become the test set. */
export interface SplitOptions<Name extends string = string> extends RowChoiceOptions<Name> {
  /** Share of the rows that become the test set, in (0, 1). Default: 0.2. */
  readonly testFraction?: number | undefined;
}

/** Rows to train on, and others to test on. */
export type Split<Data> = { readonly train: Data; readonly test: Data };

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
): Split<Data> {
  const { rows, order, random, groups, classes, take } = choiceOf('trainTestSplit', data, options, { testFraction: share });
  const { testFraction = 0.2, shuffle = true } = options;
  const tested = testedOf(groups?.distinct.length ?? rows, groups === undefined ? 'rows' : 'groups', testFraction);
  if (groups !== undefined) {
    const test = new Set(Array.from(random.permutation(groups.distinct.length).subarray(0, tested), (i) => groups.distinct[i]));
    // Looked up once and in order: names of ten million rows take their time.
    const isTested = new Uint8Array(rows).map((_, row) => Number(test.has(groups.of[row])));
    return take(...divided(order, (row) => isTested[row] === 1));
  }
  if (classes !== undefined) {
    const isTested = stratified(order, classes, tested, random);
    return take(...divided(order, (row) => isTested[row] === 1));
  }
  if (shuffle) return take(order.subarray(0, tested), order.subarray(tested));
  return take(order.subarray(rows - tested), order.subarray(0, rows - tested));
}

/**
 * The rows of all arrays in `k` parts (folds), each of which is the test set once while the others are trained on: how well a model does on data of which there
 * is little, as the mean over all folds, and how sure that is, as its deviation. Arrays as {@link trainTestSplit} takes them; the copies of one fold
 * are made when it comes. Train a new model for each.
 * ```ts
 * const shares: number[] = [];
 * for (const { train, test } of kFold({ x, y }, 5, { stratify: 'y' })) {
 *   const model = new Sequential([new Linear(32), new ReLU(), new Linear(3)]);
 *   const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam(), metrics: [accuracy()] });
 *   await trainer.fit(train, { epochs: 10 });
 *   shares.push((await trainer.evaluate(test)).accuracy!);
 * }
 * ```
 * @param k ≥ 2. Without `shuffle` folds are of rows that follow each other.
 * @throws as trainTestSplit, and OptionError for more folds than rows or groups
 */
export function kFold<Data extends { readonly [Name in keyof Data]: Rows }>(
  data: Data,
  k: number,
  options: RowChoiceOptions<keyof Data & string> = {},
): Iterable<Split<Data>> {
  const { rows, order, random, groups, classes, take } = choiceOf('kFold', data, options);
  check('kFold', 'k', k, atLeastTwo);
  const count = groups?.distinct.length ?? rows;
  if (k > count) {
    const what = groups === undefined ? 'rows' : 'groups';
    throw new OptionError(`kFold: expected at most as many folds as ${what}, got ${k} folds of ${count} ${what}.`);
  }
  const foldOf = new Uint32Array(rows);
  const foldAt = (i: number): number => Math.floor((i * k) / count);
  if (groups !== undefined) {
    const folds = new Map(Array.from(random.permutation(count), (group, i) => [groups.distinct[group]!, foldAt(i)]));
    for (let row = 0; row < rows; row++) foldOf[row] = folds.get(groups.of[row]!)!;
  } else if (classes !== undefined) {
    const begin = Math.floor(random.uniform53(1)[0]! * k);
    inOrderOfClasses(order, classes).forEach((row, i) => (foldOf[row] = (begin + i) % k));
  } else {
    order.forEach((row, i) => (foldOf[row] = foldAt(i)));
  }
  return {
    *[Symbol.iterator]() {
      for (let fold = 0; fold < k; fold++) yield take(...divided(order, (row) => foldOf[row] === fold));
    },
  };
}

const atLeastTwo: Rule = { expected: 'a whole number ≥ 2', accepts: (value) => Number.isSafeInteger(value) && Number(value) >= 2 };

/** Rows that are to be chosen from. */
interface Choice<Data> {
  readonly rows: number;
  readonly order: Int32Array;
  readonly random: Random;
  readonly groups: { readonly of: NumericArray | readonly string[]; readonly distinct: readonly (number | string)[] } | undefined;
  readonly classes: NumericArray | undefined;
  readonly take: (test: Int32Array, train: Int32Array) => Split<Data>;
}

/** @param rules of further options */
function choiceOf<Data extends { readonly [Name in keyof Data]: Rows }>(
  what: string,
  data: Data,
  options: RowChoiceOptions<keyof Data & string>,
  rules: Readonly<Record<string, Rule>> = {},
): Choice<Data> {
  if (!isRecord(data)) throw new DataError(`${what}: expected arrays by name, got ${kindOf(data)}. Give each a name: { x, y }.`);
  const names = oneOf(...Object.keys(data));
  checkOptions(what, options, { ...rules, seed: seedRule, shuffle: boolean, stratify: names, groups: names });
  const { seed = 0, shuffle = true, stratify, groups } = options;
  if (stratify !== undefined && !shuffle)
    throw new OptionError(
      `${what}: expected no stratify with shuffle: false, got both. Rows that keep their order have the classes they have.`,
    );
  if (groups !== undefined && (stratify !== undefined || !shuffle))
    throw new OptionError(`${what}: expected no groups with ${stratify === undefined ? 'shuffle: false' : 'stratify'}, got both.`);
  const rows = rowCount(what, data);
  const groupOf = groups === undefined ? undefined : (namesOf(data[groups]) ?? idsOf(what, 'groups', groups, data[groups], rows));
  const random = new Philox(seed);
  const order = shuffle ? random.permutation(rows) : new Int32Array(rows).map((_, i) => i);
  const taken = (ids: Int32Array): Data =>
    Object.fromEntries(Object.entries<Rows>(data).map(([name, one]) => [name, rowsAt(one, rows, ids)])) as Data;
  return {
    rows,
    order,
    random,
    groups: groupOf && { of: groupOf, distinct: [...new Set<number | string>(groupOf)] },
    classes: stratify === undefined ? undefined : idsOf(what, 'stratify', stratify, data[stratify], rows),
    take: (test, train) => ({ train: taken(train), test: taken(test) }),
  };
}

/** Those that are tested, and the others, in order. */
function divided(order: Int32Array, isTested: (row: number) => boolean): readonly [test: Int32Array, train: Int32Array] {
  return [order.filter(isTested), order.filter((row) => !isTested(row))];
}

/** How many of `count` are tested. @throws OptionError if that leaves none for one of the parts */
function testedOf(count: number, what: 'rows' | 'groups', testFraction: number): number {
  const tested = Math.round(count * testFraction);
  if (tested > 0 && tested < count) return tested;
  throw new OptionError(`trainTestSplit: expected ${what} for both parts, got ${count} ${what} and testFraction ${testFraction}.`);
}

/**
 * Of the rows in order of their classes, those at even distances from a random beginning are tested: `tested` of them, of each class its share to
 * within one, and each row with the same probability.
 * @see Madow 1949, On the theory of systematic sampling, II
 */
function stratified(order: Int32Array, classes: NumericArray, tested: number, random: Random): Uint8Array {
  const begin = Math.floor(random.uniform53(1)[0]! * order.length);
  const testedBefore = (i: number): number => Math.floor((i * tested + begin) / order.length);
  const isTested = new Uint8Array(order.length);
  inOrderOfClasses(order, classes).forEach((row, i) => {
    if (testedBefore(i + 1) > testedBefore(i)) isTested[row] = 1;
  });
  return isTested;
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

function idsOf(what: string, option: 'stratify' | 'groups', name: string, ids: Rows, rows: number): NumericArray {
  const kind = option === 'stratify' ? 'class ids' : 'ids';
  if (!(ids instanceof NdArray)) {
    const expected = option === 'stratify' ? 'one array of class ids' : 'one array of ids or a list of names';
    throw new ShapeError(`${what}: expected ${expected} in ${name} for ${option}, got several. Give the ids beside it.`);
  }
  const { data, shape } = ids;
  if (data.length !== rows)
    throw new ShapeError(`${what}: expected ${kind} of shape [${rows}] in ${name} for ${option}, got ${formatShape(shape)}.`);
  const at = data.findIndex((id) => !Number.isInteger(id));
  if (at >= 0) throw new DataError(`${what}: expected ${kind} in ${name} for ${option}, got ${data[at]} at row ${at}.`);
  return data;
}
