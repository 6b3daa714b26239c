import { native } from '../../native.js';
import { newArray } from '../new-array.js';

/** Rows in an array, which may overlap. */
export interface Rows {
  readonly data: Float32Array;
  readonly rows: number;
  /** From the beginning of one row to that of the next. */
  readonly stride: number;
}

/** A [rows, k] · B [k, n] → [rows, n], by the kernel of this library: the same bits on any number of threads. @throws OptionError if there is no memory for it */
export function multiply(what: string, a: Rows, b: Float32Array, k: number, n: number): Float32Array {
  const product = newArray(what, Float32Array, [a.rows, n], 'Take a larger hop, or a part of the signal at a time.');
  native().gemm(a.rows, n, k, a.data, 0, a.stride, 1, b, 0, n, 1, product, 0, n, undefined, 0, false);
  return product;
}
