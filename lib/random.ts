/** Random numbers on the host: initial values and shuffles. Inside programs see ops/random.ts. */
import { native } from './native.js';
import { type Rule, check, finite, nonNegative, nonNegativeInteger, wideSeed } from './options.js';
import { type Pieces, inOneGo } from './pieces.js';
import { programStreams } from './streams.js';
import { isInts } from './typed-arrays.js';

/** A source of random numbers on the host. */
export interface Random {
  /** `count` floats in [low, high); all low where both are equal. */
  uniform(count: number, low?: number, high?: number): Float32Array;
  /** `count` doubles in [0, 1), of 53 random bits each. */
  uniform53(count: number): Float64Array;
  /** `count` normally distributed floats. */
  normal(count: number, mean?: number, deviation?: number): Float32Array;
  /** 0 … count − 1 in random order. */
  permutation(count: number): Int32Array;
}

/** Values of a piece, a multiple of 4: about a millisecond. */
const pieceSize = 32768;

/** @throws OptionError unless it is a whole number ≥ 0, as a bigint below 2⁶⁴ */
export function checkedSeed(what: string, seed: number | bigint): bigint {
  check(what, 'seed', seed, wideSeed);
  return BigInt(seed);
}

/** @throws OptionError unless it is a whole number 0 … 2³¹ − 1 */
export function checkedStream(what: string, stream: number): number {
  check(what, 'stream', stream, streamRule);
  return stream;
}

const streamRule: Rule = {
  expected: '0 … 2³¹ − 1',
  accepts: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < programStreams.end - programStreams.host,
};

const wholeTo = (most: number): Rule => ({
  expected: `a whole number 0 … ${most}`,
  accepts: (value) => nonNegativeInteger.accepts(value) && Number(value) <= most,
});

/** @throws OptionError unless it is a whole number ≥ 0 */
function checkCount(method: string, count: number): void {
  check(`Philox.${method}`, 'count', count, nonNegativeInteger);
}

/** @throws OptionError unless both are finite and low ≤ high */
export function checkRange(what: string, low: number, high: number): void {
  check(what, 'low', low, finite);
  check(what, 'high', high, { expected: `a finite number ≥ low ${low}`, accepts: (value) => finite.accepts(value) && high >= low });
}

/** @throws OptionError unless mean is finite and deviation ≥ 0 */
export function checkMoments(what: string, mean: number, deviation: number): void {
  check(what, 'mean', mean, finite);
  check(what, 'deviation', deviation, nonNegative);
}

/**
 * Philox4x32-10: every draw is a function of the seed, the stream and how many draws came before it.
 *
 * @param seed the key, a whole number ≥ 0 (a bigint below 2⁶⁴)
 * @param stream tells independent sources of one seed apart: 0 … 2³¹ − 1
 * @throws OptionError if one of them is out of range
 * @see Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3
 */
export class Philox implements Random {
  readonly seed: bigint;
  readonly stream: number;
  private draws = 0;
  /** Bits for shuffles: a few at a time, so that a long shuffle allocates nothing. */
  readonly #block: Int32Array = new Int32Array(256);

  constructor(seed: number | bigint, stream: number = 0) {
    this.seed = checkedSeed('Philox', seed);
    this.stream = checkedStream('Philox', stream);
  }

  uniform(count: number, low: number = 0, high: number = 1): Float32Array {
    checkCount('uniform', count);
    checkRange('Philox.uniform', low, high);
    return inOneGo(this.uniformInPieces(count, low, high));
  }

  /** @internal */
  *uniformInPieces(count: number, low: number, high: number): Pieces<Float32Array> {
    const draw = this.draws++;
    const values = new Float32Array(count);
    // Rounding could reach `high` itself, which is outside unless it is all there is.
    const last = Math.max(low, below(high));
    const range = high - low;
    for (let begin = 0; begin < count; begin += pieceSize) {
      const piece = values.subarray(begin, begin + pieceSize);
      this.draw(piece, draw, begin);
      if (low !== 0 || high !== 1) for (let i = 0; i < piece.length; i++) piece[i] = Math.min(low + piece[i]! * range, last);
      yield;
    }
    return values;
  }

  uniform53(count: number): Float64Array {
    checkCount('uniform53', count);
    const bits = this.bits(2 * count, this.draws++, 0);
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) values[i] = ((bits[2 * i]! >>> 5) * 2 ** 26 + (bits[2 * i + 1]! >>> 6)) / 2 ** 53;
    return values;
  }

  /** Box and Muller 1958, in double precision from 32 bits each: no value is further than 6.7 deviations from the mean. */
  normal(count: number, mean: number = 0, deviation: number = 1): Float32Array {
    checkCount('normal', count);
    checkMoments('Philox.normal', mean, deviation);
    return inOneGo(this.normalInPieces(count, mean, deviation));
  }

  /** @internal */
  *normalInPieces(count: number, mean: number, deviation: number): Pieces<Float32Array> {
    const draw = this.draws++;
    const values = new Float32Array(count);
    for (let begin = 0; begin < count; begin += pieceSize) {
      const piece = values.subarray(begin, begin + pieceSize);
      const bits = this.bits(piece.length + (piece.length % 2), draw, begin);
      for (let i = 0; i < piece.length; i += 2) {
        const radius = deviation * Math.sqrt(-2 * Math.log((bits[i]! + 1) / 2 ** 32));
        const angle = (2 * Math.PI * bits[i + 1]!) / 2 ** 32;
        piece[i] = mean + radius * Math.cos(angle);
        piece[i + 1] = mean + radius * Math.sin(angle); // beyond an odd end it is left out
      }
      yield;
    }
    return values;
  }

  /** Fisher and Yates, every order equally likely. */
  permutation(count: number): Int32Array {
    checkCount('permutation', count);
    const order = new Int32Array(count).map((_, i) => i);
    this.shuffle(order);
    return order;
  }

  /**
   * One part of a shuffle: settles the positions [begin, end). Called for consecutive parts from the last to the first it gives a
   * random order, so that a long shuffle can be interrupted; without bounds it is the whole of it.
   * @param begin first position. Default: 0
   * @param end the one after the last. Default: the length
   * @throws OptionError unless order is an Int32Array, and begin and end are whole numbers with 0 ≤ begin ≤ end ≤ its length
   */
  shuffle(order: Int32Array, begin: number = 0, end?: number): void {
    check('Philox.shuffle', 'order', order, { expected: 'an Int32Array', accepts: isInts });
    const stop = check('Philox.shuffle', 'end', end ?? order.length, wholeTo(order.length));
    check('Philox.shuffle', 'begin', begin, wholeTo(stop));
    let used = this.#block.length;
    const next = (): number => {
      if (used === this.#block.length) {
        this.draw(this.#block, this.draws++, 0);
        used = 0;
      }
      return this.#block[used++]! >>> 0;
    };
    for (let i = stop - 1; i >= begin; i--) {
      const j = bounded(next, i + 1);
      const swapped = order[i]!;
      order[i] = order[j]!;
      order[j] = swapped;
    }
  }

  private bits(count: number, draw: number, first: number): Uint32Array {
    const words = this.draw(new Int32Array(count), draw, first);
    return new Uint32Array(words.buffer, words.byteOffset, count);
  }

  /** The words of a draw from the first, a multiple of 4, on. */
  private draw<T extends Float32Array | Int32Array>(into: T, draw: number, first: number): T {
    const low = Number(this.seed & 0xffffffffn);
    native().random(low, Number(this.seed >> 32n), programStreams.host + this.stream, draw, first / 4, into);
    return into;
  }
}

/** A whole number below n from 32 random bits; bits that would make some numbers likelier are drawn again. */
function bounded(next: () => number, n: number): number {
  const limit = 2 ** 32 - (2 ** 32 % n);
  for (;;) {
    const bits = next();
    if (bits < limit) return bits % n;
  }
}

/** The largest float below x. */
function below(x: number): number {
  const float = new Float32Array([x]);
  if (float[0]! < x) return float[0]!;
  const bits = new Int32Array(float.buffer);
  if (float[0] === 0) return -(2 ** -149);
  bits[0]! += float[0]! > 0 ? -1 : 1;
  return float[0]!;
}
