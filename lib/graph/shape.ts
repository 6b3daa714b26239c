/** Shapes: lists of sizes, and what follows from them. */
import { ShapeError, formatShape } from '../errors.js';
import { isRecord, show } from '../options.js';

/** Sizes of the dimensions, slowest first. */
export type Shape = readonly number[];

/** Whether it is a list of whole numbers ≥ 0. */
export function isShape(value: unknown): value is Shape {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

/** @throws ShapeError unless it is a list of whole numbers ≥ 0 that float offsets can hold */
export function checkShape(shape: unknown, what: string): asserts shape is Shape {
  if (!Array.isArray(shape)) throw new ShapeError(`${what}: expected a list of sizes, got ${show(shape)}. Put all of them in one list.`);
  if (!isShape(shape) || !Number.isSafeInteger(sizeOf(shape) * 4)) {
    throw new ShapeError(`${what}: expected sizes that are whole numbers ≥ 0, got ${showSizes(shape)}.`);
  }
}

/** What came in place of sizes: `[2, -1]` if they are numbers. */
export function showSizes(sizes: unknown): string {
  return Array.isArray(sizes) && sizes.every((n) => typeof n === 'number') ? formatShape(sizes) : show(sizes);
}

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Strides of a contiguous array, last dimension fastest. */
export function rowMajorStrides(shape: Shape): readonly number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  return strides;
}

/** Where element `i` of a contiguous array stands in each dimension. */
export function coordinates(i: number, shape: Shape): readonly number[] {
  return rowMajorStrides(shape).map((stride, d) => Math.floor(i / stride) % shape[d]!);
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
    const advice = isRecord(axis) ? ' Give the number as an argument of its own, not in an object.' : '';
    throw new ShapeError(`${what}: expected ${name} in ${-rank} … ${rank - 1}, got ${show(axis)}.${advice}`);
  }
  return axis < 0 ? axis + rank : axis;
}
