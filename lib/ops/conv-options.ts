/** What a convolution can be told besides its operands. */
import { type Rule, count, either, nonNegativeInteger, oneOf, tuple } from '../options.js';

/** One number for both dimensions, or one for the height and one for the width. */
export type Pair = number | readonly [number, number];

/** How the windows of a convolution lie on an image. */
export interface Conv2dGeometry {
  /** Pixels from one window to the next. Default: 1. */
  readonly stride?: Pair | undefined;
  /**
   * Zeros on each side; 'valid': none; 'same': as many as make the output ceil(input / stride), an odd one at the bottom or right.
   * Default: 0.
   */
  readonly padding?: Pair | 'same' | 'valid' | undefined;
  /** Pixels from one tap of the kernel to the next. Default: 1. */
  readonly dilation?: Pair | undefined;
  /** Parts the channels are divided into, each with kernels of its own. Default: 1. */
  readonly groups?: number | undefined;
}

/** How the windows of a convolution lie on a sequence. */
export interface Conv1dGeometry {
  /** Elements from one window to the next. Default: 1. */
  readonly stride?: number | undefined;
  /**
   * Zeros on each side; 'valid': none; 'same': as many as make the output ceil(input / stride), an odd one at the end; 'causal': the same
   * number, all at the beginning, so that no output sees what comes after it. Default: 0.
   */
  readonly padding?: number | 'same' | 'valid' | 'causal' | undefined;
  /** Elements from one tap of the kernel to the next. Default: 1. */
  readonly dilation?: number | undefined;
  /** Parts the channels are divided into, each with kernels of its own. Default: 1. */
  readonly groups?: number | undefined;
}

/** How windows lie on images, or on sequences as images of one row. */
export interface ConvGeometry extends Omit<Conv2dGeometry, 'padding'> {
  readonly padding?: Pair | 'same' | 'valid' | 'causal' | undefined;
}

/** How the windows of a transposed convolution lie on its output. */
export interface ConvTranspose2dGeometry {
  /** Output pixels from one window to the next. Default: 1. */
  readonly stride?: Pair | undefined;
  /** Pixels cut off each side of the output. Default: 0. */
  readonly padding?: Pair | undefined;
  /** Pixels added at the bottom and right of the output, fewer than the stride or the dilation. Default: 0. */
  readonly outputPadding?: Pair | undefined;
  /** Pixels from one tap of the kernel to the next. Default: 1. */
  readonly dilation?: Pair | undefined;
  /** Parts the channels are divided into, each with kernels of its own. Default: 1. */
  readonly groups?: number | undefined;
}

/** How the windows of a transposed convolution lie on a sequence that it makes. */
export interface ConvTranspose1dGeometry {
  /** Output elements from one window to the next. Default: 1. */
  readonly stride?: number | undefined;
  /** Elements cut off each end of the output. Default: 0. */
  readonly padding?: number | undefined;
  /** Elements added at the end of the output, fewer than the stride or the dilation. Default: 0. */
  readonly outputPadding?: number | undefined;
  /** Elements from one tap of the kernel to the next. Default: 1. */
  readonly dilation?: number | undefined;
  /** Parts the channels are divided into, each with kernels of its own. Default: 1. */
  readonly groups?: number | undefined;
}

export const pairOf = (rule: Rule): Rule => either(rule, tuple(2, rule));

export const conv2dRules = {
  stride: pairOf(count),
  padding: either(pairOf(nonNegativeInteger), oneOf('same', 'valid')),
  dilation: pairOf(count),
  groups: count,
};
export const conv1dRules = {
  stride: count,
  padding: either(nonNegativeInteger, oneOf('same', 'valid', 'causal')),
  dilation: count,
  groups: count,
};
export const convTranspose2dRules = {
  stride: pairOf(count),
  padding: pairOf(nonNegativeInteger),
  outputPadding: pairOf(nonNegativeInteger),
  dilation: pairOf(count),
  groups: count,
};

export const convTranspose1dRules = {
  stride: count,
  padding: nonNegativeInteger,
  outputPadding: nonNegativeInteger,
  dilation: count,
  groups: count,
};

export function both(pair: Pair): readonly [number, number] {
  return typeof pair === 'number' ? [pair, pair] : pair;
}

/** The same convolution with everything said. */
export function asConv2d({ stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv1dGeometry): ConvGeometry {
  return { stride: [1, stride], padding: typeof padding === 'number' ? [0, padding] : padding, dilation: [1, dilation], groups };
}

/** The same transposed convolution with everything said. */
export function asConvTranspose2d(geometry: ConvTranspose1dGeometry): ConvTranspose2dGeometry {
  const { stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1 } = geometry;
  return { stride: [1, stride], padding: [0, padding], outputPadding: [0, outputPadding], dilation: [1, dilation], groups };
}
