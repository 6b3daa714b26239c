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
  readonly batch: number;
  /** Elements into `a` and `b` at which they start. */
  readonly aOffset: number;
  readonly bOffset: number;
  readonly aRow: number;
  readonly aCol: number;
  readonly aBatch: number;
  readonly bRow: number;
  readonly bCol: number;
  readonly bBatch: number;
  readonly cRow: number;
  readonly cBatch: number;
  readonly activation: Activation;
}
