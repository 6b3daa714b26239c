/** Reductions, and what is computed of each row or column. */
import type { Tensor } from '../../graph/tensor.js';

export const reduceKinds = ['sum', 'mean', 'max', 'min', 'sumSquares'] as const;

/**
 * What a reduction computes.
 * @useDeclaredType
 */
export type ReduceKind = (typeof reduceKinds)[number];

export const softmaxKinds = ['softmax', 'logSoftmax', 'logSumExp'] as const;

/**
 * What is computed of each row.
 * @useDeclaredType
 */
export type SoftmaxKind = (typeof softmaxKinds)[number];

export interface Reduce {
  readonly kind: 'reduce';
  readonly reduction: ReduceKind;
  readonly out: Tensor;
  readonly in: Tensor;
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
}

export interface ArgReduce {
  readonly kind: 'argReduce';
  readonly minimum: boolean;
  readonly out: Tensor;
  readonly in: Tensor;
  readonly rows: number;
  readonly columns: number;
}

export interface Softmax {
  readonly kind: 'softmax';
  readonly softmax: SoftmaxKind;
  readonly out: Tensor;
  readonly in: Tensor;
  readonly rows: number;
  readonly columns: number;
}

/** The gradient of softmax, or of logSoftmax, to its input, from its result y. */
export interface SoftmaxBackward {
  readonly kind: 'softmaxBackward';
  readonly softmax: 'softmax' | 'logSoftmax';
  readonly out: Tensor;
  readonly y: Tensor;
  readonly dy: Tensor;
  readonly rows: number;
  readonly columns: number;
}

export interface CrossEntropy {
  readonly kind: 'crossEntropy';
  readonly out: Tensor;
  readonly logits: Tensor;
  readonly ids: Tensor;
  readonly rows: number;
  readonly columns: number;
  readonly ignoreIndex: number;
}

export interface CrossEntropyBackward {
  readonly kind: 'crossEntropyBackward';
  readonly out: Tensor;
  readonly logits: Tensor;
  readonly ids: Tensor;
  readonly dloss: Tensor;
  readonly rows: number;
  readonly columns: number;
  readonly ignoreIndex: number;
}

export interface ColumnMoments {
  readonly kind: 'columnMoments';
  readonly outMean: Tensor;
  readonly outVariance: Tensor;
  /** [outer, chunks, 2, columns] where there are several chunks of rows: what the kernel leaves of each until it combines them. */
  readonly outChunks: Tensor;
  readonly in: Tensor;
  readonly outer: number;
  readonly rows: number;
  readonly columns: number;
}

export interface ColumnProducts {
  readonly kind: 'columnProducts';
  readonly outSum: Tensor;
  readonly outProduct: Tensor;
  /** As for columnMoments. */
  readonly outChunks: Tensor;
  readonly x: Tensor;
  readonly mean: Tensor;
  readonly dy: Tensor;
  readonly outer: number;
  readonly rows: number;
  readonly columns: number;
}

export type ReductionInstruction =
  Reduce | ArgReduce | Softmax | SoftmaxBackward | CrossEntropy | CrossEntropyBackward | ColumnMoments | ColumnProducts;
