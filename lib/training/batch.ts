/** Batches and data sets of rows: what they are, and their arrays. */
import { NdArray } from '../array.js';
import { isNdArray } from '../array-check.js';
import { type Parts, mapParts, whole } from '../graph/outputs.js';
import { type Inputs, inputList } from '../model/data.js';

/** Targets: an array, or several by name (an object of a `type`, not of an `interface`), or `{}` for a loss that compares with none. */
export type Targets = NdArray | Readonly<Record<string, NdArray>>;

/** One batch, or a whole data set: rows of x with the targets y that belong to them. */
export interface Batch<Y extends Targets = NdArray> {
  /**
   * Data is copied before the first step, once a fit (more than 4 MiB while the event loop goes on: see {@link Trainer}), but for arrays on a
   * SharedArrayBuffer, which are used in place and must not change meanwhile.
   */
  readonly x: Inputs;
  /** By name where the model has several outputs, each with a target. */
  readonly y: Y;
  /**
   * `[N]` float32: how much each row counts in the loss, ≥ 0; the mean is Σ w ℓ / Σ w. Rows of 0 count nothing, also where their loss is infinite, but their targets are looked at as all are. Metrics count all rows alike, but for `mae`, `rmse` and `r2`. Default: all count 1.
   */
  readonly sampleWeight?: NdArray<Float32Array> | undefined;
}

/**
 * Batches made as they are needed, each copied before its step, so that one array may serve for all. It is iterated once an epoch, so a generator
 * needs a function around it; with `stepsPerEpoch` it goes on over epochs. `RowBatches` makes them of single rows.
 */
export type BatchSource =
  AsyncIterable<Batch<Targets>> | Iterable<Batch<Targets>> | (() => AsyncIterable<Batch<Targets>> | Iterable<Batch<Targets>>);

/** Rows, or something that gives batches. */
export function isData(data: unknown): data is Batch<Targets> | BatchSource {
  return isBatch(data) || iterates(data) || typeof data === 'function';
}

/** Something to go through, at once or as it comes. */
export function iterates(data: unknown): data is AsyncIterable<unknown> | Iterable<unknown> {
  return typeof data === 'object' && data !== null && (Symbol.asyncIterator in data || Symbol.iterator in data);
}

export function isBatch(data: unknown): data is Batch<Targets> {
  return typeof data === 'object' && data !== null && 'x' in data && 'y' in data;
}

/** The targets of a batch by name. */
export function targetParts(y: Targets): Parts<NdArray> {
  return isNdArray(y) ? [['', y]] : Object.entries(y);
}

/** The arrays of a batch: the inputs, the targets, and the weights of rows if there are any. */
export function arraysOf({ x, y, sampleWeight }: Batch<Targets>): readonly NdArray[] {
  return [...inputList(x), ...targetParts(y).map(([, target]) => target), ...(sampleWeight === undefined ? [] : [sampleWeight])];
}

/** A batch with data of its own. */
export function copyBatch(batch: Batch<Targets>): Batch<Targets> {
  return mapBatch(batch, ({ data, shape }) => new NdArray(data.slice(), shape));
}

/** Rows [begin, end) of a batch, sharing its data. */
export function rowsOf(batch: Batch<Targets>, begin: number, end: number): Batch<Targets> {
  return mapBatch(batch, (x) => x.rows(begin, end));
}

/** A batch of what `f` makes of each array, in the order of {@link arraysOf}. */
export function mapBatch({ x, y, sampleWeight }: Batch<Targets>, f: (x: NdArray) => NdArray): Batch<Targets> {
  const [inputs, targets] = [inputList(x).map(f), mapParts(targetParts(y), f)];
  return { x: inputs, y: whole(targets), ...(sampleWeight && { sampleWeight: f(sampleWeight) as NdArray<Float32Array> }) };
}
