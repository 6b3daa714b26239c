/** What fills memory without computing. */
import { type Shape, rowMajorStrides } from '../../graph/shape.js';
import type { DType, Tensor } from '../../graph/tensor.js';

export interface Copy {
  readonly kind: 'copy';
  readonly out: Tensor;
  readonly in: Tensor;
  readonly dtype: DType;
  readonly dims: Shape;
  /** Elements into `in` / `out` at which the copy starts. */
  readonly inOffset: number;
  readonly inStrides: readonly number[];
  readonly outOffset: number;
  readonly outStrides: readonly number[];
}

/** Copies x into out, element by element. @param walk what of them, and in which order; default: all, as it lies */
export function copyOf(out: Tensor, x: Tensor, walk: Partial<Omit<Copy, 'kind' | 'out' | 'in' | 'dtype'>> = {}): Copy {
  const strides = rowMajorStrides(x.shape);
  return { kind: 'copy', out, in: x, dtype: x.dtype, dims: x.shape, inOffset: 0, inStrides: strides, outOffset: 0, outStrides: strides, ...walk }; // prettier-ignore
}

export interface Fill {
  readonly kind: 'fill';
  readonly out: Tensor;
  readonly outOffset: number;
  readonly count: number;
  readonly value: number;
}

export interface Random {
  readonly kind: 'random';
  readonly out: Tensor;
  readonly count: number;
  readonly seedLow: number;
  readonly seedHigh: number;
  readonly stream: number;
}

export type MoveInstruction = Copy | Fill | Random;
