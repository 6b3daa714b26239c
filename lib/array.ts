import { DTypeError, DataError, ShapeError, StateError, formatShape } from './errors.js';
import { type Shape, checkShape, sizeOf } from './graph/shape.js';
import type { DType } from './graph/tensor.js';
import type { NumericArray } from './native.js';
import { kindOf, show } from './options.js';
import { checkAttached, dtypeOf, isNumericArray, plain } from './typed-arrays.js';

/** More dimensions than any array has: lists nested deeper are an attack. */
export const maxRank = 64;

/** A shape without elements may name any number of arrays. */
const mostEmpty = 1 << 20;

/** Data: a typed array and a shape, row-major (last dimension fastest). Images are [N, H, W, C], sequences [N, T, C]. */
export class NdArray<T extends NumericArray = NumericArray> {
  readonly data: T;
  readonly shape: Shape;

  /** @internal Use `array()`. */
  constructor(data: T, shape: Shape) {
    this.data = plain('array', data);
    this.shape = shape;
  }

  /** Element type, that of the typed array. */
  get dtype(): DType {
    return dtypeOf(this.data);
  }

  /** Number of dimensions. */
  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return this.data.length;
  }

  /** Rows [begin, end) of the first dimension, sharing the data. @throws ShapeError unless 0 ≤ begin ≤ end ≤ rows; StateError if its buffer is gone */
  rows(begin: number, end: number): NdArray<T> {
    checkIntact('rows', 'an array', this);
    const [rows = 0] = this.shape;
    if (!Number.isInteger(begin) || !Number.isInteger(end) || begin < 0 || begin > end || end > rows)
      throw new ShapeError(`rows: expected 0 ≤ begin ≤ end ≤ ${rows}, got ${show(begin)} and ${show(end)}.`);
    const width = sizeOf(this.shape.slice(1));
    return new NdArray(this.data.subarray(begin * width, end * width) as T, [end - begin, ...this.shape.slice(1)]);
  }

  /** Nested JavaScript arrays of numbers. @throws ShapeError for a shape of a million empty arrays; StateError if its buffer is gone */
  toNested(): NestedNumbers {
    checkIntact('toNested', 'an array', this);
    const empty = this.shape.indexOf(0);
    if (empty > 0 && sizeOf(this.shape.slice(0, empty)) > mostEmpty)
      throw new ShapeError(`toNested: expected at most ${mostEmpty} empty arrays, got shape ${formatShape(this.shape)}.`);
    const nest = (shape: Shape, offset: number): NestedNumbers => {
      const [n, ...rest] = shape;
      if (n === undefined) return this.data[offset]!;
      const width = sizeOf(rest);
      return Array.from({ length: n }, (_, i) => nest(rest, offset + i * width));
    };
    return nest(this.shape, 0);
  }

  /**
   * What JSON.stringify writes, the elements in order: `array(data, shape)` takes it back as float32, `array(Int32Array.from(data), shape)` as int32. A JSON text
   * has null for NaN and infinities, which `array` refuses. @throws StateError if its buffer is gone
   */
  toJSON(): { readonly shape: Shape; readonly data: readonly number[] } {
    checkIntact('toJSON', 'an array', this);
    return { shape: this.shape, data: Array.from(this.data) };
  }
}

/** @throws StateError if the buffer of an array was taken away after it was made */
export function checkIntact(what: string, name: string, { data, shape }: NdArray): void {
  if (data.length === sizeOf(shape)) return;
  throw new StateError(
    `${what}: expected ${sizeOf(shape)} elements for ${name} of shape ${formatShape(shape)}, got ${data.length}: its buffer was detached or resized. Make a new array.`,
  );
}

/** A number, or arrays of arrays … of numbers. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** Nested numbers whose innermost lists may be typed arrays. */
export type NestedRows = number | NumericArray | readonly NestedRows[];

/**
 * Wraps a typed array, without a copy (a Buffer is bytes), or copies nested numbers, or a list of typed arrays such as vectors of features, into a
 * Float32Array. Several arrays that keep their element type become one by `stackRows` and `concatRows`.
 * @param shape default: one dimension, or the nesting of the numbers
 * @throws ShapeError if sizes do not match; DTypeError for other array kinds; DataError for nested numbers beyond the range of float32, but not for NaN and
 *   Infinity; StateError if the buffer of one is gone
 */
export function array<T extends NumericArray>(data: T, shape?: Shape): NdArray<T>;
export function array(data: number | readonly NestedRows[], shape?: Shape): NdArray<Float32Array>;
export function array(data: NestedRows, shape?: Shape): NdArray;
export function array(data: NestedRows, shape?: Shape): NdArray {
  if (typeof data === 'number' || Array.isArray(data)) return fromNested(data, shape);
  if (!isNumericArray(data)) throw wrongKind(data);
  checkAttached('array', data);
  const sizes = shape ?? [data.length];
  checkShape(sizes, 'array');
  if (sizeOf(sizes) !== data.length) {
    throw new ShapeError(`array: expected ${sizeOf(sizes)} elements for shape ${formatShape(sizes)}, got ${data.length}.`);
  }
  return new NdArray(data, Object.freeze([...sizes]));
}

function fromNested(data: NestedRows, shape: Shape | undefined): NdArray<Float32Array> {
  const nested = nestedShape(data);
  const values = new Float32Array(sizeOf(nested));
  /** Of the part that is looked at. */
  const place: number[] = [];
  let at = 0;
  const fill = (part: unknown, depth: number): void => {
    if (depth === nested.length && typeof part === 'number') {
      if (Number.isFinite(part) && !Number.isFinite(Math.fround(part))) throw tooLarge(part, place);
      values[at++] = part;
    } else if (depth < nested.length && isList(part) && part.length === nested[depth]) {
      place.push(0);
      for (const x of part) {
        fill(x, depth + 1);
        place[depth]!++;
      }
      place.pop();
    } else {
      throw typeof part === 'number' || isList(part) ? ragged() : wrongKind(part, place);
    }
  };
  fill(data, 0);
  return array(values, shape ?? nested);
}

/** As the first number lies. @throws ShapeError for lists in lists without end */
function nestedShape(data: unknown): number[] {
  const shape: number[] = [];
  for (let part = data; isList(part); part = part[0]) {
    if (shape.length === maxRank)
      throw new ShapeError(`array: expected at most ${maxRank} dimensions, got lists in lists of more. Nest numbers as rows of data are.`);
    shape.push(part.length);
  }
  return shape;
}

/** @throws StateError if the buffer of a typed array is gone */
function isList(part: unknown): part is readonly unknown[] | NumericArray {
  if (!isNumericArray(part)) return Array.isArray(part);
  checkAttached('array', part);
  return true;
}

function ragged(): ShapeError {
  return new ShapeError('array: expected rows of equal length, got a ragged array. Pad or split it.');
}

/** Kinds of typed arrays that hold numbers, not bigints. */
const numbers = /^(Float|Int|Uint)\d+/;

/** @param place of it within lists, if it is */
function wrongKind(data: unknown, place: readonly number[] = []): DTypeError {
  const kind = kindOf(data);
  return new DTypeError(
    `array: expected a Float32Array, Int32Array, Uint8Array or nested numbers, got ${kind}${formatPlace(place)}. ${adviceFor(kind, place.length > 0)}`,
  );
}

function adviceFor(kind: string, isListed: boolean): string {
  if (numbers.test(kind)) return 'Convert it: new Float32Array(x).';
  if (kind === 'NdArray') return isListed ? 'Put arrays together by stackRows or concatRows.' : 'It is an array already.';
  return isListed ? 'Give a number, NaN where there is none.' : 'Convert it, for instance with Float32Array.from(x, Number).';
}

function tooLarge(value: number, place: readonly number[]): DataError {
  return new DataError(
    `array: expected numbers within the range of float32, up to 3.4e38, got ${value}${formatPlace(place)}. Scale it, or give Infinity if that is meant.`,
  );
}

/** ` at [3][1]`, or nothing. */
function formatPlace(place: readonly number[]): string {
  return place.length === 0 ? '' : ` at ${place.map((i) => `[${i}]`).join('')}`;
}
