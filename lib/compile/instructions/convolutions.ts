/** Convolutions, direct and by Winograd's transforms. */
import type { Tensor } from '../../graph/tensor.js';
import type { Activation } from './products.js';

/** The geometry of `ConvShape` in native/kernels/args.h. */
export interface ConvShape {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly oh: number;
  readonly ow: number;
  readonly oc: number;
  readonly kh: number;
  readonly kw: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly groups: number;
}

export interface ConvForward {
  readonly kind: 'convForward';
  readonly out: Tensor;
  readonly x: Tensor;
  readonly w: Tensor;
  readonly bias: Tensor | undefined;
  readonly shape: ConvShape;
  readonly activation: Activation;
}

export interface ConvBackwardData {
  readonly kind: 'convBackwardData';
  readonly out: Tensor;
  readonly dy: Tensor;
  readonly w: Tensor;
  readonly shape: ConvShape;
}

export interface ConvBackwardWeights {
  readonly kind: 'convBackwardWeights';
  /** [parts, KH, KW, C/G, OC] */
  readonly out: Tensor;
  readonly x: Tensor;
  readonly dy: Tensor;
  readonly shape: ConvShape;
  readonly parts: number;
}

/** The geometry of `WinogradShape` in native/kernels/args.h: 3×3 windows with stride 1. */
export interface WinogradShape {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly oh: number;
  readonly ow: number;
  readonly oc: number;
  readonly padTop: number;
  readonly padLeft: number;
}

export interface WinogradWeights {
  readonly kind: 'winogradWeights';
  /** [36, C, OC], or turned [36, OC, C] */
  readonly out: Tensor;
  /** [3, 3, C, OC] */
  readonly w: Tensor;
  readonly c: number;
  readonly oc: number;
  readonly turn: boolean;
}

export interface WinogradConv {
  readonly kind: 'winogradConv';
  readonly out: Tensor;
  readonly x: Tensor;
  /** The transformed weights. */
  readonly u: Tensor;
  readonly bias: Tensor | undefined;
  readonly shape: WinogradShape;
  readonly activation: Activation;
}

export interface WinogradBackwardWeights {
  readonly kind: 'winogradBackwardWeights';
  /** [parts, 36, C, OC] */
  readonly out: Tensor;
  readonly x: Tensor;
  readonly dy: Tensor;
  readonly shape: WinogradShape;
  readonly parts: number;
}

export interface WinogradGradient {
  readonly kind: 'winogradGradient';
  /** [3, 3, C, OC] */
  readonly out: Tensor;
  readonly sums: Tensor;
  readonly c: number;
  readonly oc: number;
  readonly parts: number;
}

export type ConvolutionInstruction =
  ConvForward | ConvBackwardData | ConvBackwardWeights | WinogradWeights | WinogradConv | WinogradBackwardWeights | WinogradGradient;
