/** A long stream of tokens as examples for a language model: the targets are the inputs one token later. */
import { NdArray, checkIntact } from '../../array.js';
import { DataError } from '../../errors.js';
import { type AllOf, check, checkOptions, count, required, seed as seedRule } from '../../options.js';
import type { Batch } from '../../training/batch.js';
import { isInts } from '../../typed-arrays.js';
import { newArray } from '../new-array.js';
import { epochRandom } from './epoch-random.js';

const smallerBatches = 'Make the batches smaller.';

/** Rows of tokens, each with the tokens that follow. */
export interface TokenRows {
  /** [N, T] */
  readonly x: NdArray<Int32Array>;
  /** `[N, T]`: y[n, t] is the token after x[n, t]. */
  readonly y: NdArray<Int32Array>;
}

/** Options of {@link tokenWindows}. */
export interface TokenWindowOptions {
  /** T, tokens a window. */
  readonly steps: number;
  /** Tokens from the beginning of one window to that of the next. Default: `steps`, so that each token is read once. */
  readonly stride?: number | undefined;
}

/** Options of {@link tokenStreams}. */
export interface TokenStreamOptions {
  /** T, tokens a window. */
  readonly steps: number;
  /** Streams side by side: the batch size of the fit. */
  readonly batchSize: number;
}

/** Options of {@link RandomTokenWindows}. */
export interface RandomWindowOptions {
  /** T, tokens a window. */
  readonly steps: number;
  readonly batchSize: number;
  /** Batches an epoch. */
  readonly batches: number;
  /** Decides where windows begin. Default: 0. */
  readonly seed?: number | undefined;
}

/**
 * Windows of a token stream, to be shuffled as any rows: `fit(tokenWindows(ids, { steps: 64 }))`. What is left at the end and shorter
 * than a window is not used.
 * @throws OptionError for wrong options, or if the result does not fit into memory; DataError if the stream is shorter than a window and its last target
 */
export function tokenWindows(tokens: Int32Array, options: TokenWindowOptions): TokenRows {
  checkOptions('tokenWindows', options, { steps: required(count), stride: count });
  const { steps, stride = steps } = options;
  checkTokens('tokenWindows', tokens, steps + 1);
  const rows = Math.floor((tokens.length - 1 - steps) / stride) + 1;
  return rowsAt('tokenWindows', tokens, [rows, steps], (row) => row * stride, 'Take fewer steps or a larger stride.');
}

/**
 * Cuts a token stream into `batchSize` streams of equal length and orders their windows so that row r of each batch goes on where row r
 * of the batch before it ended: for models that carry their state from batch to batch. Train on it with the same `batchSize` and
 * `carryState: true`. What is left at the ends of the streams is not used.
 * @throws OptionError for wrong options; DataError if a stream is shorter than a window
 */
export function tokenStreams(tokens: Int32Array, options: TokenStreamOptions): TokenRows {
  checkOptions('tokenStreams', options, { steps: required(count), batchSize: required(count) });
  const { steps, batchSize } = options;
  checkTokens('tokenStreams', tokens, batchSize * steps + 1);
  const length = Math.floor((tokens.length - 1) / batchSize);
  const windows = Math.floor(length / steps);
  const beginOf = (row: number): number => (row % batchSize) * length + Math.floor(row / batchSize) * steps;
  return rowsAt('tokenStreams', tokens, [windows * batchSize, steps], beginOf, 'Take fewer tokens.');
}

/**
 * Batches of windows that begin anywhere, each place equally likely, anew in every epoch: `fit(new RandomTokenWindows(…), { epochs })`.
 * One shape only, so that one program serves all. Each evaluation of a `validation` would be of other windows, too: to compare epochs, as `EarlyStopping` does, give it
 * `tokenWindows`, or the batches of one pass in a list, `[...new RandomTokenWindows(…)]`.
 * @throws OptionError for wrong options, or if a batch does not fit into memory; DataError if the stream is shorter than a window and its last target
 */
export class RandomTokenWindows implements Iterable<Batch> {
  /** Times gone through so far; with the seed it decides the next windows. Set it to go on where an earlier run ended. */
  epoch = 0;
  readonly #tokens: NdArray<Int32Array>;
  readonly #options: AllOf<RandomWindowOptions>;

  constructor(tokens: Int32Array, options: RandomWindowOptions) {
    checkOptions('RandomTokenWindows', options, {
      steps: required(count),
      batchSize: required(count),
      batches: required(count),
      seed: seedRule,
    });
    checkTokens('RandomTokenWindows', tokens, options.steps + 1);
    this.#tokens = new NdArray(tokens, [tokens.length]);
    const { steps, batchSize, batches, seed = 0 } = options;
    newArray('RandomTokenWindows', Int32Array, [batchSize, steps], smallerBatches);
    this.#options = { steps, batchSize, batches, seed };
  }

  /** The batches of the next epoch. @throws OptionError for an epoch that is none; StateError if the buffer of the tokens is gone */
  *[Symbol.iterator](): Generator<Batch, void, undefined> {
    const { steps, batchSize, batches, seed } = this.#options;
    const random = epochRandom('RandomTokenWindows', seed, this.epoch);
    checkIntact('RandomTokenWindows', 'tokens', this.#tokens);
    this.epoch++;
    const places = this.#tokens.size - steps;
    for (let i = 0; i < batches; i++) {
      const u = random.uniform53(batchSize);
      yield rowsAt('RandomTokenWindows', this.#tokens.data, [batchSize, steps], (row) => Math.floor(u[row]! * places), smallerBatches);
    }
  }
}

function checkTokens(what: string, tokens: Int32Array, least: number): void {
  check(what, 'tokens', tokens, { expected: 'an Int32Array of ids', accepts: isInts });
  if (tokens.length < least) {
    throw new DataError(`${what}: expected at least ${least} tokens, got ${tokens.length}. Give it more text, or fewer steps.`);
  }
}

/** @throws OptionError if there is no memory for them */
function rowsAt(
  what: string,
  tokens: Int32Array,
  shape: readonly [rows: number, steps: number],
  beginOf: (row: number) => number,
  advice: string,
): TokenRows {
  const [rows, steps] = shape;
  const x = newArray(what, Int32Array, shape, advice);
  const y = newArray(what, Int32Array, shape, advice);
  for (let row = 0; row < rows; row++) {
    const begin = beginOf(row);
    x.set(tokens.subarray(begin, begin + steps), row * steps);
    y.set(tokens.subarray(begin + 1, begin + 1 + steps), row * steps);
  }
  return { x: new NdArray(x, shape), y: new NdArray(y, shape) };
}
