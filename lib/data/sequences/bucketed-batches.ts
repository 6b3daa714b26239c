import { NdArray, checkIntact } from '../../array.js';
import { checkArray } from '../../array-check.js';
import { DataError, OptionError, ShapeError, formatShape } from '../../errors.js';
import { sameShape } from '../../graph/shape.js';
import { type AllOf, type Rule, boolean, checkOptions, count, required, seed as seedRule, kindOf } from '../../options.js';
import type { Batch } from '../../training/batch.js';
import { checkWeightName } from '../misnamed-weights.js';
import { takeRows } from '../take.js';
import { bucketBounds } from './bucket-bounds.js';
import { epochRandom } from './epoch-random.js';
import { type Sequence, checkFill, checkSequences, fill, pad } from './pad.js';

/** Sequences of different lengths with their targets. */
export interface SequenceData {
  /** N sequences: ids [Tₙ], or features [Tₙ, ...]. */
  readonly x: readonly Sequence[];
  /** A target for each sequence [N, ...], or N sequences with one for each step. */
  readonly y: NdArray | readonly Sequence[];
  /** `[N]` float32: how much each sequence counts in the loss, ≥ 0. Default: all count 1. */
  readonly sampleWeight?: NdArray<Float32Array> | undefined;
}

/** Options of {@link BucketedBatches}. */
export interface BucketOptions {
  /** N, sequences a batch; the last of an epoch may have fewer. */
  readonly batchSize: number;
  /** Most lengths that sequences are filled up to. A program is compiled for each: more fill up less, fewer compile less. Default: 4. */
  readonly buckets?: number | undefined;
  /** What stands behind the end of a sequence of x. Default: 0. */
  readonly value?: number | undefined;
  /** What stands behind the end of a sequence of targets: the loss's `ignoreIndex`. Not with one target a sequence. Default: −1 for int32 targets, NaN for float32. */
  readonly ignoreIndex?: number | undefined;
  /** New random order of sequences and batches each epoch; without it they come bucket by bucket, not in the order of the data. Default: true. */
  readonly shuffle?: boolean | undefined;
  /** Decides the orders. Default: 0. */
  readonly seed?: number | undefined;
}

/** With the smaller last batch and those of other data below the 16 programs a trainer keeps: more would be compiled anew in each epoch. */
const mostBuckets = 12;
const bucketCount: Rule = {
  expected: `a whole number in 1 … ${mostBuckets}`,
  accepts: (value) => count.accepts(value) && Number(value) <= mostBuckets,
};

/**
 * Batches of sequences of different lengths: sequences of similar length come together and are filled up to one of a few lengths.
 * `fit(new BucketedBatches(data, { batchSize: 32 }), { epochs: 10 })` for a model of two inputs, sequences and lengths.
 *
 * Each batch: x: [ids [N, T] or features [N, T, ...], lengths [N] int32], sampleWeight [N] if the data has it, y [N, ...], or [N, T, ...] filled up: int32 targets with
 * `ignoreIndex`, float32 targets with NaN, which losses and metrics of numbers leave out when told: `new MSELoss({ ignoreNaN: true })`.
 *
 * A trainer compiles one program for each shape of batch. There are at most `buckets` + 1: sequences that are too few for a batch go to
 * the next longer bucket, so only the longest has one smaller batch. The lengths are chosen so that the least is filled up in total.
 *
 * @throws OptionError for wrong options; DataError for no or empty sequences, or weights of another name; ShapeError or DTypeError if they are not of one kind, or if x,
 *   y and sampleWeight do not fit
 */
export class BucketedBatches implements Iterable<Batch> {
  /** The lengths sequences are filled up to, in rising order. */
  readonly bounds: readonly number[];
  /** Times gone through so far; with the seed it decides the next order. Set it to go on where an earlier run ended. */
  epoch = 0;
  readonly #x: readonly NdArray<Int32Array | Float32Array>[];
  readonly #y: NdArray | readonly NdArray<Int32Array | Float32Array>[];
  readonly #sampleWeight: NdArray<Float32Array> | undefined;
  readonly #options: AllOf<BucketOptions>;

  constructor(data: SequenceData, options: BucketOptions) {
    checkOptions('BucketedBatches', options, {
      batchSize: required(count),
      buckets: bucketCount,
      value: fill,
      ignoreIndex: fill,
      shuffle: boolean,
      seed: seedRule,
    });
    const given: unknown = data;
    if (typeof given !== 'object' || given === null)
      throw new DataError(`BucketedBatches: expected { x, y } of sequences and their targets, got ${kindOf(given)}.`);
    checkWeightName('BucketedBatches', 'sequences', given);
    const { x, y, sampleWeight } = data;
    if (!Array.isArray(y)) checkArray('BucketedBatches', 'y', y, 'Wrap it: array(data, shape), or give a list of sequences.');
    this.#x = checkSequences('BucketedBatches x', x);
    this.#y = y instanceof NdArray ? y : checkSequences('BucketedBatches y', y);
    this.#checkTargets();
    if (sampleWeight !== undefined) this.#checkWeights(sampleWeight);
    this.#sampleWeight = sampleWeight;
    if (this.#y instanceof NdArray && options.ignoreIndex !== undefined)
      throw new OptionError(
        `BucketedBatches: expected no ignoreIndex where y is one array, which is not filled up, got ${options.ignoreIndex}. Leave it out.`,
      );
    const stepTargets = this.#y instanceof NdArray ? [] : this.#y;
    const { batchSize, buckets = 4, value = 0, shuffle = true, seed = 0 } = options;
    const { ignoreIndex = stepTargets[0]?.dtype === 'float32' ? NaN : -1 } = options;
    checkFill('BucketedBatches', 'value', value, this.#x);
    checkFill('BucketedBatches', 'ignoreIndex', ignoreIndex, stepTargets);
    this.#options = { batchSize, buckets, value, ignoreIndex, shuffle, seed };
    this.bounds = bucketBounds(
      this.#x.map((row) => row.shape[0]!),
      buckets,
    );
  }

  /** The batches of the next epoch. @throws OptionError for an epoch that is none; StateError if the buffer of a sequence is gone */
  *[Symbol.iterator](): Generator<Batch, void, undefined> {
    const { batchSize, shuffle, seed } = this.#options;
    const random = epochRandom('BucketedBatches', seed, this.epoch);
    this.#x.forEach((row, i) => checkIntact('BucketedBatches x', `sequence ${i}`, row));
    if (this.#y instanceof NdArray) checkIntact('BucketedBatches', 'y', this.#y);
    else this.#y.forEach((row, i) => checkIntact('BucketedBatches y', `sequence ${i}`, row));
    if (this.#sampleWeight !== undefined) checkIntact('BucketedBatches', 'sampleWeight', this.#sampleWeight);
    this.epoch++;
    const inOrder = (n: number): Int32Array => (shuffle ? random.permutation(n) : new Int32Array(n).map((_, i) => i));
    const order = inOrder(this.#x.length);
    const batches: { readonly ids: readonly number[]; readonly length: number }[] = [];
    let left: number[] = [];
    this.bounds.forEach((bound, b) => {
      const shorter = this.bounds[b - 1] ?? 0;
      const ids = [...left, ...order.filter((id) => this.#lengthOf(id) > shorter && this.#lengthOf(id) <= bound)];
      const full = ids.length - (ids.length % batchSize);
      for (let at = 0; at < full; at += batchSize) batches.push({ ids: ids.slice(at, at + batchSize), length: bound });
      left = ids.slice(full);
    });
    if (left.length > 0) batches.push({ ids: left, length: this.bounds.at(-1)! });
    for (const i of inOrder(batches.length)) yield this.#batch(batches[i]!.ids, batches[i]!.length);
  }

  #batch(ids: readonly number[], length: number): Batch {
    const { value, ignoreIndex } = this.#options;
    const rows = ids.map((id) => this.#x[id]!);
    const { x, lengths } = pad('BucketedBatches', rows, length, value);
    const y = this.#y;
    const targets =
      y instanceof NdArray
        ? takeRows(y, ids)
        : pad(
            'BucketedBatches',
            ids.map((id) => y[id]!),
            length,
            ignoreIndex,
          ).x;
    return { x: [x, lengths], y: targets, ...(this.#sampleWeight && { sampleWeight: takeRows(this.#sampleWeight, ids) }) };
  }

  #lengthOf(id: number): number {
    return this.#x[id]!.shape[0]!;
  }

  #checkWeights(weights: NdArray): void {
    checkArray('BucketedBatches', 'sampleWeight', weights);
    if (weights.dtype === 'float32' && sameShape(weights.shape, [this.#x.length])) return;
    const got = `${weights.dtype} ${formatShape(weights.shape)}`;
    throw new ShapeError(`BucketedBatches: expected float32 [${this.#x.length}] for sampleWeight, one number a sequence, got ${got}.`);
  }

  #checkTargets(): void {
    const [rows, targets] = [this.#x.length, this.#y instanceof NdArray ? (this.#y.shape[0] ?? 0) : this.#y.length];
    if (rows !== targets) throw new ShapeError(`BucketedBatches: expected a target for each of ${rows} sequences, got ${targets}.`);
    if (this.#y instanceof NdArray) return;
    const at = this.#y.findIndex((row, i) => row.shape[0] !== this.#lengthOf(i));
    if (at < 0) return;
    throw new OptionError(
      `BucketedBatches: expected as many targets as steps, got ${this.#y[at]!.shape[0]} for ${this.#lengthOf(at)} steps at ${at}. Give y as one array if there is one target a sequence; where targets have lengths of their own, as in translation, fill up x and y by padSequences.`,
    );
  }
}
