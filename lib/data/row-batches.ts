/** Rows that come one by one, as batches. */
import { NdArray, type NestedRows, array, checkIntact } from '../array.js';
import { isNdArray } from '../array-check.js';
import { DataError, formatShape } from '../errors.js';
import { naming } from '../naming.js';
import type { NumericArray } from '../native.js';
import { type AllOf, boolean, checkOptions, count, isRecord, kindOf, nonNegativeInteger, required, seed as seedRule } from '../options.js';
import { type Pieces, inTurns, turnMilliseconds } from '../pieces.js';
import type { Philox } from '../random.js';
import { gotReturned } from '../returned.js';
import { type Batch, type Targets, arraysOf, iterates, mapBatch, targetParts } from '../training/batch.js';
import { dtypeOf, isNumericArray } from '../typed-arrays.js';
import { checkWeightName } from './misnamed-weights.js';
import { type Kind, newArray } from './new-array.js';
import { epochRandom } from './sequences/epoch-random.js';

/** Data of one row: an array or a typed array, or numbers in lists, which become float32. */
export type RowValue = NdArray | NumericArray | readonly NestedRows[];

/** One example. */
export interface DataRow {
  /** [...], or a list of arrays for several inputs, each made by `array()`: typed arrays in a list are rows of one input. */
  readonly x: RowValue | readonly NdArray[];
  /** A number is a class id; one to be foretold is `[2.5]`. By name where the model has several outputs (an object of a `type`, not of an `interface`), and `{}` for a loss that compares with none. */
  readonly y: RowValue | number | Readonly<Record<string, RowValue | number>>;
  /** How much it counts in the loss, ≥ 0. Default: 1. */
  readonly sampleWeight?: number | undefined;
}

/** Rows as they come, or a function that begins anew with them: a generator runs only once. */
export type RowSource = AsyncIterable<DataRow> | Iterable<DataRow> | (() => AsyncIterable<DataRow> | Iterable<DataRow>);

/** Options of {@link RowBatches}. */
export interface RowBatchOptions {
  /** N, rows a batch; the last of an epoch may have fewer. */
  readonly batchSize: number;
  /** Rows that are held in memory, some 600 bytes each beside its values, of which a random one is the next. Default: 0, rows stay in their order. */
  readonly shuffle?: number | undefined;
  /** Leave the rows out that are left at the end and fewer than a batch. Default: false. */
  readonly dropLast?: boolean | undefined;
  /** Decides the orders. Default: 0. */
  readonly seed?: number | undefined;
}

/**
 * Batches of rows that come one by one, from files, a database or the network: for data larger than memory.
 * ```ts
 * async function* rows() {
 *   const file = await open('clicks.jsonl');
 *   try {
 *     for await (const line of file.readLines()) yield JSON.parse(line); // { x: [0.2, 1.5], y: 3 }
 *   } finally {
 *     await file.close();
 *   }
 * }
 * await trainer.fit(new RowBatches(rows, { batchSize: 128, shuffle: 10_000 }), { epochs: 3, prefetch: true });
 * ```
 * Each batch: x, a list of one [N, ...] for each input, y [N, ...], or [N] int32 of class ids, and sampleWeight [N] if the rows have it. Rows are copied as they come. An
 * epoch goes through the source once, with `shuffle` in another order each time; the same seed and rows give the same batches. A source that is left early is closed (the
 * `finally` of a generator).
 *
 * `shuffle` mixes rows only with those near them: a row comes less than `shuffle` places earlier than in the source, and seldom more than a few times as many later. A
 * file in order of its classes or of time stays so but for that: bring it in random order once, or take rows of several files in turn.
 *
 * @throws OptionError for wrong options; DataError, while the batches are made, for a source that gives no rows, or with `dropLast` fewer than a batch, and a row that is none or unlike the first
 */
export class RowBatches implements AsyncIterable<Batch<Targets>> {
  /** Times gone through so far; with the seed it decides the next order. Set it to go on where an earlier run ended. */
  epoch = 0;
  readonly #source: RowSource;
  readonly #options: AllOf<RowBatchOptions>;

  constructor(source: RowSource, options: RowBatchOptions) {
    checkOptions('RowBatches', options, {
      batchSize: required(count),
      shuffle: nonNegativeInteger,
      dropLast: boolean,
      seed: seedRule,
    });
    if (typeof source !== 'function') checkSource(source);
    this.#source = source;
    const { batchSize, shuffle = 0, dropLast = false, seed = 0 } = options;
    this.#options = { batchSize, shuffle, dropLast, seed };
  }

  /** The batches of the next epoch. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch<Targets>, void, undefined> {
    const { batchSize, shuffle, dropLast, seed } = this.#options;
    const random = epochRandom('RowBatches', seed, this.epoch);
    this.epoch++;
    const rows = rowsOf(this.#source);
    let batch: Batch<Targets>[] = [];
    let isFirst = true;
    for await (const row of shuffle === 0 ? rows : shuffled(rows, shuffle, random)) {
      batch.push(row);
      if (batch.length < batchSize) continue;
      yield await inTurns(batchOf(batch));
      batch = [];
      isFirst = false;
    }
    if (batch.length > 0 && !dropLast) yield await inTurns(batchOf(batch));
    else if (isFirst)
      throw new DataError(
        `RowBatches: expected at least ${batchSize} rows with dropLast, got ${batch.length}. Leave dropLast out, or give a smaller batchSize.`,
      );
  }
}

function checkSource(source: unknown): asserts source is AsyncIterable<unknown> | Iterable<unknown> {
  if (iterates(source)) return;
  throw new DataError(`RowBatches: expected rows to go through, or a function that gives them, got ${kindOf(source)}. Write a generator.`);
}

/** The rows of one epoch, each a batch without its first dimension. */
async function* rowsOf(source: RowSource): AsyncGenerator<Batch<Targets>, void, undefined> {
  const given: unknown = typeof source === 'function' ? source() : source;
  checkSource(given);
  let rows = 0;
  let first = '';
  const turn = turns();
  for await (const row of given) {
    await turn();
    const taken = copied(`RowBatches row ${rows}`, row);
    const type = typeOf(taken);
    if (rows === 0) first = type;
    if (type !== first) throw new DataError(`RowBatches: expected rows like the first, ${first}, got ${type} in row ${rows}.`);
    rows++;
    yield taken;
  }
  if (rows === 0)
    throw new DataError('RowBatches: expected at least one row, got none. A generator runs only once: pass a function that makes one.');
}

/**
 * Leaves the event loop a turn where it has waited for one long enough: rows in memory come without any. The work between two rows is not only ours,
 * so that it is no work in pieces.
 */
function turns(): () => Promise<void> {
  let begin = performance.now();
  return async () => {
    if (performance.now() - begin < turnMilliseconds) return;
    await new Promise((resolve) => setImmediate(resolve));
    begin = performance.now();
  };
}

/** Of the last `size` rows a random one each, until none is left. */
async function* shuffled<Row>(rows: AsyncIterable<Row>, size: number, random: Philox): AsyncGenerator<Row, void, undefined> {
  const held: Row[] = [];
  // A thousand at once: a native call each would take several times as long as the rest.
  let draws: Float64Array = new Float64Array();
  let used = 0;
  for await (const row of rows) {
    if (held.length < size) {
      held.push(row);
      continue;
    }
    if (used === draws.length) [draws, used] = [random.uniform53(1024), 0];
    const at = Math.floor(draws[used++]! * size);
    const next = held[at]!;
    held[at] = row;
    yield next;
  }
  const turn = turns();
  for (const at of random.permutation(held.length)) {
    await turn();
    yield held[at]!;
  }
}

/** A source may use one array for all rows. @throws DataError for what is no row */
function copied(what: string, row: unknown): Batch<Targets> {
  if (!isRow(row)) throw new DataError(`${what}: expected { x, y }, got ${kindOf(row)}.`);
  checkWeightName(what, 'rows', row);
  const { x, y, sampleWeight } = row;
  if (!isInputs(x)) checkOneInput(what, x);
  return {
    x: isInputs(x) ? x.map((input, i) => copy(what, `x.${i}`, input)) : copy(what, 'x', x),
    // In one order, whatever that of a row.
    y: isNamed(y)
      ? Object.fromEntries(Object.keys(y).sort().map((name) => [name, copyTarget(what, `y.${name}`, y[name]!)])) // prettier-ignore
      : copyTarget(what, 'y', y),
    ...(sampleWeight !== undefined && { sampleWeight: copyWeight(what, sampleWeight) }),
  };
}

/** @throws DataError for typed arrays that are no rows of one input */
function checkOneInput(what: string, x: RowValue): void {
  if (!Array.isArray(x) || !x.every(isNumericArray)) return;
  const [first, ...others] = x.map((row) => `${dtypeOf(row)} [${row.length}]`);
  const other = others.find((row) => row !== first);
  if (other === undefined) return;
  throw new DataError(
    `${what}: expected typed arrays of one kind and length for x, the rows of one input, got ${first} and ${other}. Wrap those of several inputs: array(data).`,
  );
}

/** @throws DataError for what is none of `expected` */
function copy(what: string, name: string, value: RowValue, expected = 'a list of numbers or an array'): NdArray {
  const isData = Array.isArray(value) || ArrayBuffer.isView(value) || isNdArray(value);
  if (!isData) throw new DataError(`${what}: expected ${expected} for ${name}, ${gotReturned(value, '', kindOf(value), 'Await it.')}`);
  const x = isNdArray(value) ? value : naming(`${what} ${name}`, () => array(value));
  if (Array.isArray(value)) return x;
  checkIntact(what, name, x);
  return new NdArray(x.data.slice(), x.shape);
}

/** @throws DataError for a number that is no class id */
function copyTarget(what: string, name: string, value: RowValue | number): NdArray {
  if (typeof value !== 'number') return copy(what, name, value, 'a class id, a list of numbers or an array');
  if ((value | 0) === value) return new NdArray(Int32Array.of(value), []);
  throw new DataError(
    `${what}: expected a whole number that int32 holds for ${name}, a class id, got ${value}. Give what is no id in a list: [${value}].`,
  );
}

/** @throws DataError for what is no number */
function copyWeight(what: string, value: unknown): NdArray<Float32Array> {
  if (typeof value === 'number') return new NdArray(Float32Array.of(value), []);
  throw new DataError(`${what}: expected a number for sampleWeight, ${gotReturned(value, '', kindOf(value), 'Await it.')}`);
}

function isRow(row: unknown): row is DataRow {
  return typeof row === 'object' && row !== null && 'x' in row && 'y' in row;
}

function isInputs(x: DataRow['x']): x is readonly NdArray[] {
  return Array.isArray(x) && x.some(isNdArray);
}

function isNamed(y: DataRow['y']): y is Readonly<Record<string, RowValue | number>> {
  return isRecord(y);
}

/** `x float32 [3] and y int32 []` */
function typeOf(row: Batch<Targets>): string {
  const inputs = isNdArray(row.x) ? [['x', row.x] as const] : row.x.map((input, i) => [`x.${i}`, input] as const);
  const targets = targetParts(row.y).map(([name, target]) => [name === '' ? 'y' : `y.${name}`, target] as const);
  const weight = row.sampleWeight === undefined ? [] : [['sampleWeight', row.sampleWeight] as const];
  return [...inputs, ...targets, ...weight].map(([name, { dtype, shape }]) => `${name} ${dtype} ${formatShape(shape)}`).join(' and ');
}

function* batchOf(rows: readonly Batch<Targets>[]): Pieces<Batch<Targets>> {
  const batch = mapBatch(rows[0]!, ({ data, shape }) => {
    const all = [rows.length, ...shape];
    return new NdArray(newArray('RowBatches', data.constructor as Kind<NumericArray>, all, 'Take fewer at once.'), all);
  });
  const places = arraysOf(batch);
  for (const [i, row] of rows.entries()) {
    for (const [k, { data, size }] of arraysOf(row).entries()) places[k]!.data.set(data, i * size);
    yield;
  }
  return batch;
}
