/** Pooling and sampling of images. */
import type { Tensor } from '../../graph/tensor.js';

/** The geometry of `PoolShape` in native/kernels/args.h. */
export interface PoolShape {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly oh: number;
  readonly ow: number;
  readonly kh: number;
  readonly kw: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly padTop: number;
  readonly padLeft: number;
}

export interface MaxPool {
  readonly kind: 'maxPool';
  readonly out: Tensor;
  /** int32: which tap of the window was the maximum */
  readonly outIndex: Tensor;
  readonly in: Tensor;
  readonly shape: PoolShape;
}

export interface MaxPoolBackward {
  readonly kind: 'maxPoolBackward';
  readonly out: Tensor;
  readonly dy: Tensor;
  readonly index: Tensor;
  readonly shape: PoolShape;
}

export interface AvgPool {
  readonly kind: 'avgPool';
  readonly out: Tensor;
  readonly in: Tensor;
  readonly shape: PoolShape;
  readonly countPadding: boolean;
}

export interface AvgPoolBackward {
  readonly kind: 'avgPoolBackward';
  readonly out: Tensor;
  readonly dy: Tensor;
  readonly shape: PoolShape;
  readonly countPadding: boolean;
}

export interface AffineSample {
  readonly kind: 'affineSample';
  readonly out: Tensor;
  readonly x: Tensor;
  readonly theta: Tensor;
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly oh: number;
  readonly ow: number;
  readonly fill: number;
}

export type ImageInstruction = MaxPool | MaxPoolBackward | AvgPool | AvgPoolBackward | AffineSample;
