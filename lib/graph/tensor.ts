import { DTypeError, ShapeError, formatShape } from '../errors.js';
import { show } from '../options.js';
import type { Operation } from './operation.js';

/** Element type of a tensor: computation is float32; int32 holds ids, uint8 raw bytes. */
export type DType = 'float32' | 'int32' | 'uint8';

/** Sizes of the dimensions, slowest first. */
export type Shape = readonly number[];

/** What is known of a value before it exists. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/**
 * A symbolic value: one output of one operation. It holds no data and is never disposed of.
 * Tensors are made by the functions of `ops/`, inside `forward` or a compiled function.
 */
export class Tensor implements TensorType {
  readonly shape: Shape;
  readonly dtype: DType;

  /** @internal Use the functions of `ops/`. */
  constructor(
    /** The use of an operation it comes from. @hidden */
    readonly node: Node,
    /** Which of its outputs. @hidden */
    readonly output: number,
    type: TensorType,
  ) {
    this.shape = type.shape;
    this.dtype = type.dtype;
  }

  /** Number of dimensions. */
  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * Tensors are no numbers: `x > 0` and `x == 0` would be false, `2 * x` NaN and `x + 1` a text, whatever x is.
   * @throws DTypeError but where a text is wanted, as in `String(x)` and templates
   * @internal
   */
  [Symbol.toPrimitive](hint: string): string {
    if (hint !== 'string')
      throw new DTypeError(
        'Tensor: expected an operation such as add, mul, less or equal, got an operator of JavaScript. Its text, for messages, is String(x).',
      );
    return this.toString();
  }

  /** What `console.log` and errors print: not the graph behind it. @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  toString(): string {
    return `${this.node.op.name} ${this.dtype}${formatShape(this.shape)}`;
  }
}

/** One use of an operation: its inputs, its outputs and the layer that made it. */
export class Node {
  readonly outputs: readonly Tensor[];
  /** Path of the layer whose forward (or backward) made this node; '' until labelled. */
  label = '';

  constructor(
    readonly op: Operation,
    readonly inputs: readonly Tensor[],
    types: readonly TensorType[],
  ) {
    this.outputs = types.map((type, index) => new Tensor(this, index, type));
  }
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1);
}

export const bytesPerElement: Readonly<Record<DType, number>> = { float32: 4, int32: 4, uint8: 1 };

export function byteSize(type: TensorType): number {
  return sizeOf(type.shape) * bytesPerElement[type.dtype];
}

export function formatShapeOf(t: TensorType): string {
  return formatShape(t.shape);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** @throws ShapeError unless it is a list of whole numbers ≥ 0 that float offsets can hold */
export function checkShape(shape: Shape, what: string): void {
  if (!isList(shape)) throw new ShapeError(`${what}: expected a list of sizes, got ${show(shape)}. Put all of them in one list.`);
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0) || !Number.isSafeInteger(sizeOf(shape) * 4)) {
    throw new ShapeError(`${what}: expected sizes that are whole numbers ≥ 0, got ${formatShape(shape)}.`);
  }
}

export function isList(shape: unknown): shape is Shape {
  return Array.isArray(shape);
}

/** The shape two or more shapes broadcast to (trailing dimensions equal or 1), or a ShapeError. */
export function broadcastShapes(what: string, ...shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((s) => s[i - rank + s.length] ?? 1);
    const size = sizes.find((n) => n !== 1) ?? 1;
    if (!sizes.every((n) => n === 1 || n === size)) {
      throw new ShapeError(
        `${what}: expected shapes that broadcast (trailing sizes equal or 1), got ${shapes.map(formatShape).join(' and ')}. Reshape or transpose one of them.`,
      );
    }
    return size;
  });
}

/**
 * `axis` in 0 … rank−1, counting from the end when negative.
 * @param name of the option that gives it
 */
export function normalizeAxis(what: string, axis: number, rank: number, name = 'axis'): number {
  if (rank === 0) throw new ShapeError(`${what}: expected x of rank ≥ 1, got [].`);
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ShapeError(`${what}: expected ${name} in ${-rank} … ${rank - 1}, got ${axis}.`);
  }
  return axis < 0 ? axis + rank : axis;
}
