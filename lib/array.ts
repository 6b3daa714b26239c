import { DTypeError, ShapeError, formatShape } from './errors.js';
import { dtypeOf } from './graph/source.js';
import { type DType, type Shape, checkShape, sizeOf } from './graph/tensor.js';
import type { NumericArray } from './native.js';

/** Data: a typed array and a shape, row-major (last dimension fastest). Images are [N, H, W, C], sequences [N, T, C]. */
export class NdArray<T extends NumericArray = NumericArray> {
  readonly data: T;
  readonly shape: Shape;

  /** @internal Use `array()`. */
  constructor(data: T, shape: Shape) {
    this.data = data;
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

  /** Rows [begin, end) of the first dimension, sharing the data. */
  rows(begin: number, end: number): NdArray<T> {
    const width = sizeOf(this.shape.slice(1));
    return new NdArray(this.data.subarray(begin * width, end * width) as T, [end - begin, ...this.shape.slice(1)]);
  }

  /** Nested JavaScript arrays of numbers. */
  toNested(): NestedNumbers {
    const nest = (shape: Shape, offset: number): NestedNumbers => {
      const [n, ...rest] = shape;
      if (n === undefined) return this.data[offset]!;
      const width = sizeOf(rest);
      return Array.from({ length: n }, (_, i) => nest(rest, offset + i * width));
    };
    return nest(this.shape, 0);
  }
}

/** A number, or arrays of arrays … of numbers. */
export type NestedNumbers = number | readonly NestedNumbers[];

/**
 * Wraps a typed array, without a copy, or copies nested numbers into a Float32Array.
 * @param shape default: one dimension, or the nesting of the numbers
 * @throws ShapeError if sizes do not match; DTypeError for other array kinds
 */
export function array<T extends NumericArray>(data: T, shape?: Shape): NdArray<T>;
export function array(data: NestedNumbers, shape?: Shape): NdArray<Float32Array>;
export function array(data: NumericArray | NestedNumbers, shape?: Shape): NdArray {
  if (typeof data === 'number' || Array.isArray(data)) {
    const nested = nestedShape(data as NestedNumbers);
    const values = Float32Array.from((Array.isArray(data) ? data.flat(Infinity) : [data]) as number[]);
    if (sizeOf(nested) !== values.length)
      throw new ShapeError('array: expected rows of equal length, got a ragged array. Pad or split it.');
    return array(values, shape ?? nested);
  }
  if (!(data instanceof Float32Array || data instanceof Int32Array || data instanceof Uint8Array)) {
    const kind = (data as object | null)?.constructor?.name ?? typeof data;
    throw new DTypeError(
      `array: expected a Float32Array, Int32Array, Uint8Array or nested numbers, got ${kind}. Convert it, for instance with Float32Array.from().`,
    );
  }
  const sizes = shape ?? [data.length];
  checkShape(sizes, 'array');
  if (sizeOf(sizes) !== data.length) {
    throw new ShapeError(`array: expected ${sizeOf(sizes)} elements for shape ${formatShape(sizes)}, got ${data.length}.`);
  }
  return new NdArray(data, Object.freeze([...sizes]));
}

function nestedShape(data: NestedNumbers): number[] {
  return typeof data === 'number' ? [] : [data.length, ...(data.length > 0 ? nestedShape(data[0]!) : [])];
}
