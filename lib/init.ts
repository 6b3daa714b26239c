/**
 * First values of parameters. Weights are [..., in, out]: fan in is the product of all sizes but the last, fan out that of all
 * but the last but one; for [KH, KW, C, OC] so KH·KW·C and KH·KW·OC.
 */
import { ShapeError, formatShape } from './errors.js';
import { type Shape, sizeOf } from './graph/shape.js';
import { check, checkOptions, finite, oneOf, positive } from './options.js';
import { type Pieces, inOneGo } from './pieces.js';
import { Philox, type Random, checkMoments, checkRange } from './random.js';

/** Makes the first values of a parameter. */
export interface Initializer {
  /** All values of a parameter of this shape. */
  (shape: Shape, random: Random): Float32Array;
  /** The same piece by piece, so that large parameters do not hold up the event loop. Default: in one go. */
  readonly inPieces?: ((shape: Shape, random: Random) => Generator<undefined, Float32Array, undefined>) | undefined;
}

/** The activation a weight is made for. */
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

/** Options of the Kaiming initializers. */
export interface KaimingOptions {
  /** Slope below zero of the leaky ReLU that follows. Default: 0. */
  readonly a?: number | undefined;
  /** Keep the variance of the values ('fanIn') or of the gradients ('fanOut'). Default: 'fanIn'. */
  readonly mode?: 'fanIn' | 'fanOut' | undefined;
  /** The activation that follows. Default: 'leakyRelu'. */
  readonly nonlinearity?: Nonlinearity | undefined;
}

/** Options of the initializers that scale by a gain. */
export interface GainOptions {
  /** Factor on all values; see `gain()`. Default: 1. */
  readonly gain?: number | undefined;
}

const nonlinearities: readonly Nonlinearity[] = ['linear', 'sigmoid', 'tanh', 'relu', 'leakyRelu', 'selu'];

/**
 * By how much an activation shrinks the deviation of its input.
 * @param a slope below zero of 'leakyRelu'. Default: 0.01.
 * @throws OptionError for another activation
 * @see torch.nn.init.calculate_gain
 */
export function gain(nonlinearity: Nonlinearity, a: number = 0.01): number {
  check('gain', 'nonlinearity', nonlinearity, oneOf(...nonlinearities));
  switch (nonlinearity) {
    case 'linear':
    case 'sigmoid':
      return 1;
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + a * a));
    case 'selu':
      return 3 / 4;
    default:
      return nonlinearity satisfies never;
  }
}

/** All values 0. */
export function zeros(): Initializer {
  return filled(0);
}

/** All values 1. */
export function ones(): Initializer {
  return filled(1);
}

/** All values the same. @throws OptionError unless it is finite */
export function filled(value: number): Initializer {
  check('filled', 'value', value, finite);
  return (shape) => new Float32Array(sizeOf(shape)).fill(value);
}

/** U[low, high). @throws OptionError unless both are finite and low ≤ high */
export function uniform(low: number = 0, high: number = 1): Initializer {
  checkRange('uniform', low, high);
  if (low === high) return filled(low);
  return piecewise((shape, random) => uniformValues(shape, random, low, high));
}

/** N(mean, deviation²). @throws OptionError unless mean is finite and deviation ≥ 0 */
export function normal(mean: number = 0, deviation: number = 1): Initializer {
  checkMoments('normal', mean, deviation);
  return piecewise((shape, random) => normalValues(shape, random, mean, deviation));
}

/**
 * U(−b, b) with b = gain · √(3 / fan).
 * @throws OptionError for wrong options; ShapeError for shapes of rank < 2
 * @see He et al. 2015, https://arxiv.org/abs/1502.01852
 */
export function kaimingUniform(options: KaimingOptions = {}): Initializer {
  const deviation = kaimingDeviation('kaimingUniform', options);
  return piecewise((shape, random) => symmetric(shape, random, Math.sqrt(3) * deviation(shape)));
}

/**
 * N(0, gain² / fan).
 * @throws OptionError for wrong options; ShapeError for shapes of rank < 2
 * @see He et al. 2015, https://arxiv.org/abs/1502.01852
 */
export function kaimingNormal(options: KaimingOptions = {}): Initializer {
  const deviation = kaimingDeviation('kaimingNormal', options);
  return piecewise((shape, random) => normalValues(shape, random, 0, deviation(shape)));
}

/**
 * U(−b, b) with b = gain · √(6 / (fan in + fan out)).
 * @throws OptionError for a wrong gain; ShapeError for shapes of rank < 2
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export function xavierUniform(options: GainOptions = {}): Initializer {
  const deviation = xavierDeviation('xavierUniform', options);
  return piecewise((shape, random) => symmetric(shape, random, Math.sqrt(3) * deviation(shape)));
}

/**
 * N(0, gain² · 2 / (fan in + fan out)).
 * @throws OptionError for a wrong gain; ShapeError for shapes of rank < 2
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export function xavierNormal(options: GainOptions = {}): Initializer {
  const deviation = xavierDeviation('xavierNormal', options);
  return piecewise((shape, random) => normalValues(shape, random, 0, deviation(shape)));
}

/**
 * A random matrix [all but the last size, last size] with orthonormal columns, or rows if it is wider than high, times gain:
 * the Q of a Gaussian matrix's QR with a positive diagonal of R.
 * @throws OptionError for a wrong gain; ShapeError for shapes of rank < 2
 * @see Saxe et al. 2013, https://arxiv.org/abs/1312.6120
 */
export function orthogonal(options: GainOptions = {}): Initializer {
  checkOptions('orthogonal', options, { gain: positive });
  const { gain: factor = 1 } = options;
  return piecewise(function* (shape, random) {
    fans('orthogonal', shape);
    const columns = shape.at(-1)!;
    const rows = sizeOf(shape) / Math.max(columns, 1);
    const [length, vectors] = rows >= columns ? [rows, columns] : [columns, rows];
    const q = new Float64Array(yield* normalValues([length, vectors], random, 0, 1));
    yield* orthonormalize(q, length, vectors);
    const values = new Float32Array(rows * columns);
    const [down, along] = rows >= columns ? [1, length] : [length, 1];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) values[row * columns + column] = factor * q[row * down + column * along]!;
      yield;
    }
    return values;
  });
}

/**
 * Makes the vectors, stored one after another, orthonormal in order (modified Gram and Schmidt: the QR whose R has a positive
 * diagonal). In double precision its error for a Gaussian matrix is far below a float's.
 */
function* orthonormalize(q: Float64Array, length: number, vectors: number): Pieces<void> {
  for (let i = 0; i < vectors; i++) {
    const vector = q.subarray(i * length, (i + 1) * length);
    const scale = 1 / Math.sqrt(dot(vector, vector));
    for (let k = 0; k < length; k++) vector[k]! *= scale;
    for (let j = i + 1; j < vectors; j++) {
      const other = q.subarray(j * length, (j + 1) * length);
      const shared = dot(vector, other);
      for (let k = 0; k < length; k++) other[k]! -= shared * vector[k]!;
      yield;
    }
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let k = 0; k < a.length; k++) total += a[k]! * b[k]!;
  return total;
}

function kaimingDeviation(what: string, options: KaimingOptions): (shape: Shape) => number {
  checkOptions(what, options, { a: finite, mode: oneOf('fanIn', 'fanOut'), nonlinearity: oneOf(...nonlinearities) });
  const { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' } = options;
  return (shape) => gain(nonlinearity, a) / Math.sqrt(Math.max(fans(what, shape)[mode], 1));
}

function xavierDeviation(what: string, options: GainOptions): (shape: Shape) => number {
  checkOptions(what, options, { gain: positive });
  const { gain: factor = 1 } = options;
  return (shape) => {
    const { fanIn, fanOut } = fans(what, shape);
    return factor * Math.sqrt(2 / Math.max(fanIn + fanOut, 1));
  };
}

function piecewise(inPieces: (shape: Shape, random: Random) => Pieces<Float32Array>): Initializer {
  return Object.assign((shape: Shape, random: Random) => inOneGo(inPieces(shape, random)), { inPieces });
}

function* normalValues(shape: Shape, random: Random, mean: number, deviation: number): Pieces<Float32Array> {
  const count = sizeOf(shape);
  return random instanceof Philox ? yield* random.normalInPieces(count, mean, deviation) : random.normal(count, mean, deviation);
}

function* uniformValues(shape: Shape, random: Random, low: number, high: number): Pieces<Float32Array> {
  const count = sizeOf(shape);
  return random instanceof Philox ? yield* random.uniformInPieces(count, low, high) : random.uniform(count, low, high);
}

function symmetric(shape: Shape, random: Random, bound: number): Pieces<Float32Array> {
  return uniformValues(shape, random, -bound, bound);
}

function fans(what: string, shape: Shape): { readonly fanIn: number; readonly fanOut: number } {
  if (shape.length < 2)
    throw new ShapeError(
      `${what}: expected a shape of rank ≥ 2 [..., in, out], got ${formatShape(shape)}. Use uniform() or normal() for vectors.`,
    );
  return { fanIn: sizeOf(shape.slice(0, -1)), fanOut: sizeOf(shape.toSpliced(-2, 1)) };
}
