/** Products of matrices. */
import type { Tensor } from '../../graph/tensor.js';

export const activations = ['none', 'relu', 'sigmoid', 'tanh'] as const;

/**
 * Applied to a product or convolution where it is stored.
 * @useDeclaredType
 */
export type Activation = (typeof activations)[number];

export interface Gemm {
  readonly kind: 'gemm';
  readonly out: Tensor;
  readonly a: Tensor;
  readonly b: Tensor;
  readonly bias: Tensor | undefined;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** outer · inner products: those of a run lie in steps of `…Batch`, the runs in steps of `…Outer`. */
  readonly outer: number;
  readonly inner: number;
  /** Elements into `a` and `b` at which they start. */
  readonly aOffset: number;
  readonly bOffset: number;
  readonly aRow: number;
  readonly aCol: number;
  readonly aBatch: number;
  readonly aOuter: number;
  readonly bRow: number;
  readonly bCol: number;
  readonly bBatch: number;
  readonly bOuter: number;
  /** Elements into `out` at which it starts. */
  readonly outOffset: number;
  readonly cRow: number;
  readonly cBatch: number;
  readonly cOuter: number;
  readonly activation: Activation;
}
