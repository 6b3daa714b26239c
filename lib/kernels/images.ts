/** Raw kernels on channels-last images [N, H, W, C]: convolution, im2col and pooling. Part of `lanewise/kernels`. */
import { type Activation, activations } from '../compile/instructions/index.js';
import { native } from '../native.js';
import { convShape } from '../ops/conv-geometry.js';
import { type Pair, both, pairOf } from '../ops/conv-options.js';
import { poolShape } from '../ops/pool-geometry.js';
import { type Rules, boolean, checkOptions, count, nonNegativeInteger, oneOf, required } from '../options.js';
import { call, checkLength, floats, ints, size } from './checks.js';

export type { Pair };

/** Sizes of a window that slides over images. */
export interface WindowOptions {
  /** Images. */
  readonly n: number;
  /** Rows of an image. */
  readonly h: number;
  /** Columns of an image. */
  readonly w: number;
  /** Channels. */
  readonly c: number;
  readonly kernelSize: Pair;
  /** Pixels from one window to the next. Default: 1 (pooling: kernelSize). */
  readonly stride?: Pair | undefined;
  /** Pixels on each side of an image: zeros, or for pooling nothing. Default: 0. */
  readonly padding?: Pair | undefined;
}

/** Sizes of a kernel that slides over images. */
export interface Conv2dShapeOptions extends WindowOptions {
  /** Pixels from one tap of the kernel to the next. Default: 1. */
  readonly dilation?: Pair | undefined;
}

/** Sizes of a convolution. */
export interface Conv2dGeometryOptions extends Conv2dShapeOptions {
  readonly outChannels: number;
  /** Divides c and outChannels; group g takes its part of the one to its part of the other. Default: 1. */
  readonly groups?: number | undefined;
}

const windowRules: Rules<WindowOptions> = {
  n: size,
  h: size,
  w: size,
  c: size,
  kernelSize: required(pairOf(count)),
  stride: pairOf(count),
  padding: pairOf(nonNegativeInteger),
};
const shapeRules: Rules<Conv2dShapeOptions> = { ...windowRules, dilation: pairOf(count) };
const geometryRules: Rules<Conv2dGeometryOptions> = { ...shapeRules, outChannels: required(count), groups: count };

/** What the native side takes, and how long the arrays must be. */
interface Geometry {
  readonly shape: Int32Array;
  readonly input: number;
  readonly output: number;
  readonly taps: number;
}

function convGeometry(what: string, options: Conv2dShapeOptions, outChannels: number, groups: number): Geometry {
  const { n, h, w, c, kernelSize } = options;
  const [kh, kw] = both(kernelSize);
  const shape = convShape({ what, dimensions: 2 }, [n, h, w, c], [kh, kw, c / groups, outChannels], { ...options, groups });
  return { shape: Int32Array.from(Object.values(shape)), input: n * h * w * c, output: n * shape.oh * shape.ow, taps: kh * kw };
}

/** The output's height and width of a convolution: [OH, OW]. */
export function conv2dOutputSize(options: Conv2dShapeOptions): readonly [number, number] {
  checkOptions('conv2dOutputSize', options, shapeRules);
  const { shape } = convGeometry('conv2dOutputSize', options, 1, 1);
  return [shape[4]!, shape[5]!];
}

/** Options of {@link conv2d}. */
export interface Conv2dKernelOptions extends Conv2dGeometryOptions {
  /** [N, H, W, C] */
  readonly x: Float32Array;
  /** [KH, KW, C / groups, OC] */
  readonly weight: Float32Array;
  /** [OC]. Default: none. */
  readonly bias?: Float32Array | undefined;
  /** Default: 'none'. */
  readonly activation?: Activation | undefined;
  /** Result [N, OH, OW, OC]. */
  readonly y: Float32Array;
}

/**
 * Convolves (cross-correlates): y[n, i, j, o] = activation(Σ x[n, i·stride − padding + kh·dilation, …, c] · weight[kh, kw, c, o] + bias[o]).
 * @throws OptionError for wrong options; ShapeError for sizes that do not fit, and arrays that are too short or overlap what is written
 */
export function conv2d(options: Conv2dKernelOptions): void {
  checkOptions('conv2d', options, {
    ...geometryRules,
    x: required(floats),
    weight: required(floats),
    bias: floats,
    activation: oneOf(...activations),
    y: required(floats),
  });
  const { c, outChannels, groups = 1, x, weight, bias, activation = 'none', y } = options;
  const g = convGeometry('conv2d', options, outChannels, groups);
  checkLength('conv2d', 'x', x, g.input);
  checkLength('conv2d', 'weight', weight, (g.taps * c * outChannels) / groups);
  if (bias !== undefined) checkLength('conv2d', 'bias', bias, outChannels);
  checkLength('conv2d', 'y', y, g.output * outChannels);
  call('conv2d', () => native().conv2d(g.shape, x, weight, bias, activations.indexOf(activation), y), { w: 'weight' });
}

/** Options of {@link conv2dBackwardData}. */
export interface Conv2dBackwardDataOptions extends Conv2dGeometryOptions {
  /** [N, OH, OW, OC] */
  readonly dy: Float32Array;
  /** [KH, KW, C / groups, OC] */
  readonly weight: Float32Array;
  /** Result [N, H, W, C], overwritten. */
  readonly dx: Float32Array;
}

/** The gradient of `conv2d` with respect to x. */
export function conv2dBackwardData(options: Conv2dBackwardDataOptions): void {
  checkOptions('conv2dBackwardData', options, {
    ...geometryRules,
    dy: required(floats),
    weight: required(floats),
    dx: required(floats),
  });
  const { c, outChannels, groups = 1, dy, weight, dx } = options;
  const g = convGeometry('conv2dBackwardData', options, outChannels, groups);
  checkLength('conv2dBackwardData', 'dy', dy, g.output * outChannels);
  checkLength('conv2dBackwardData', 'weight', weight, (g.taps * c * outChannels) / groups);
  checkLength('conv2dBackwardData', 'dx', dx, g.input);
  call('conv2dBackwardData', () => native().conv2dBackwardData(g.shape, dy, weight, dx), { w: 'weight' });
}

/** Options of {@link conv2dBackwardWeights}. */
export interface Conv2dBackwardWeightsOptions extends Conv2dGeometryOptions {
  /** [N, H, W, C] */
  readonly x: Float32Array;
  /** [N, OH, OW, OC] */
  readonly dy: Float32Array;
  /** Result [KH, KW, C / groups, OC], overwritten. */
  readonly dweight: Float32Array;
}

/** The gradient of `conv2d` with respect to weight. That of the bias is the sum of dy over all pixels. */
export function conv2dBackwardWeights(options: Conv2dBackwardWeightsOptions): void {
  checkOptions('conv2dBackwardWeights', options, {
    ...geometryRules,
    x: required(floats),
    dy: required(floats),
    dweight: required(floats),
  });
  const { c, outChannels, groups = 1, x, dy, dweight } = options;
  const g = convGeometry('conv2dBackwardWeights', options, outChannels, groups);
  checkLength('conv2dBackwardWeights', 'x', x, g.input);
  checkLength('conv2dBackwardWeights', 'dy', dy, g.output * outChannels);
  checkLength('conv2dBackwardWeights', 'dweight', dweight, (g.taps * c * outChannels) / groups);
  call('conv2dBackwardWeights', () => native().conv2dBackwardWeights(g.shape, x, dy, dweight), { dw: 'dweight' });
}

/** Options of {@link im2col}. */
export interface Im2colOptions extends Conv2dShapeOptions {
  /** [N, H, W, C] */
  readonly x: Float32Array;
  /** Result [N · OH · OW, KH · KW · C]. */
  readonly columns: Float32Array;
}

/** Writes the pixels under each window as one row: im2col followed by gemm with the weights is the convolution. */
export function im2col(options: Im2colOptions): void {
  checkOptions('im2col', options, { ...shapeRules, x: required(floats), columns: required(floats) });
  const { c, x, columns } = options;
  const g = convGeometry('im2col', options, 1, 1);
  checkLength('im2col', 'x', x, g.input);
  checkLength('im2col', 'columns', columns, g.output * g.taps * c);
  call('im2col', () => native().im2col(g.shape, x, columns));
}

/** Options of {@link col2im}. */
export interface Col2imOptions extends Conv2dShapeOptions {
  /** [N · OH · OW, KH · KW · C] */
  readonly columns: Float32Array;
  /** Result [N, H, W, C], overwritten. */
  readonly dx: Float32Array;
}

/** The adjoint of `im2col`: each pixel is the sum of the places it was copied to. */
export function col2im(options: Col2imOptions): void {
  checkOptions('col2im', options, { ...shapeRules, columns: required(floats), dx: required(floats) });
  const { c, columns, dx } = options;
  const g = convGeometry('col2im', options, 1, 1);
  checkLength('col2im', 'columns', columns, g.output * g.taps * c);
  checkLength('col2im', 'dx', dx, g.input);
  call('col2im', () => native().col2im(g.shape, columns, dx));
}

function poolGeometry(what: string, options: WindowOptions): Geometry {
  const { n, h, w, c, kernelSize } = options;
  const shape = poolShape({ what, dimensions: 2 }, [n, h, w, c], kernelSize, options);
  return {
    shape: Int32Array.from(Object.values(shape)),
    input: n * h * w * c,
    output: n * shape.oh * shape.ow * c,
    taps: shape.kh * shape.kw,
  };
}

/** Options of {@link maxPool2d}. */
export interface MaxPool2dOptions extends WindowOptions {
  /** [N, H, W, C] */
  readonly x: Float32Array;
  /** Result [N, OH, OW, C]. */
  readonly y: Float32Array;
  /** Result as long as y: the window's position kh · KW + kw of the first maximum. Default: not wanted. */
  readonly index?: Int32Array | undefined;
}

/**
 * Takes the largest pixel under each window; NaN wins.
 * @throws OptionError for wrong options; ShapeError for sizes that do not fit, and arrays that are too short or overlap what is written
 */
export function maxPool2d(options: MaxPool2dOptions): void {
  checkOptions('maxPool2d', options, { ...windowRules, x: required(floats), y: required(floats), index: ints });
  const { x, y, index } = options;
  const g = poolGeometry('maxPool2d', options);
  checkLength('maxPool2d', 'x', x, g.input);
  checkLength('maxPool2d', 'y', y, g.output);
  if (index !== undefined) checkLength('maxPool2d', 'index', index, g.output);
  call('maxPool2d', () => native().maxPool2d(g.shape, x, y, index));
}

/** Options of {@link maxPool2dBackward}. */
export interface MaxPool2dBackwardOptions extends WindowOptions {
  /** [N, OH, OW, C] */
  readonly dy: Float32Array;
  /** What `maxPool2d` wrote, [N, OH, OW, C]. The gradient of a window whose index is none of its taps, as −1, goes nowhere. */
  readonly index: Int32Array;
  /** Result [N, H, W, C], overwritten. */
  readonly dx: Float32Array;
}

/** The gradient of `maxPool2d`. */
export function maxPool2dBackward(options: MaxPool2dBackwardOptions): void {
  checkOptions('maxPool2dBackward', options, { ...windowRules, dy: required(floats), index: required(ints), dx: required(floats) });
  const { dy, index, dx } = options;
  const g = poolGeometry('maxPool2dBackward', options);
  checkLength('maxPool2dBackward', 'dy', dy, g.output);
  checkLength('maxPool2dBackward', 'index', index, g.output);
  checkLength('maxPool2dBackward', 'dx', dx, g.input);
  call('maxPool2dBackward', () => native().maxPool2dBackward(g.shape, dy, index, dx));
}

/** Options of {@link avgPool2d}. */
export interface AvgPool2dOptions extends WindowOptions {
  /** Padding counts as zeros in the average. Default: true, as in PyTorch. */
  readonly countPadding?: boolean | undefined;
  /** [N, H, W, C] */
  readonly x: Float32Array;
  /** Result [N, OH, OW, C]. */
  readonly y: Float32Array;
}

/**
 * Takes the mean of the pixels under each window.
 * @throws OptionError for wrong options; ShapeError for sizes that do not fit, and arrays that are too short or overlap what is written
 */
export function avgPool2d(options: AvgPool2dOptions): void {
  checkOptions('avgPool2d', options, { ...windowRules, countPadding: boolean, x: required(floats), y: required(floats) });
  const { countPadding = true, x, y } = options;
  const g = poolGeometry('avgPool2d', options);
  checkLength('avgPool2d', 'x', x, g.input);
  checkLength('avgPool2d', 'y', y, g.output);
  call('avgPool2d', () => native().avgPool2d(g.shape, countPadding, x, y));
}

/** Options of {@link avgPool2dBackward}. */
export interface AvgPool2dBackwardOptions extends WindowOptions {
  /** As in `avgPool2d`. */
  readonly countPadding?: boolean | undefined;
  /** [N, OH, OW, C] */
  readonly dy: Float32Array;
  /** Result [N, H, W, C], overwritten. */
  readonly dx: Float32Array;
}

/** The gradient of `avgPool2d`. */
export function avgPool2dBackward(options: AvgPool2dBackwardOptions): void {
  checkOptions('avgPool2dBackward', options, { ...windowRules, countPadding: boolean, dy: required(floats), dx: required(floats) });
  const { countPadding = true, dy, dx } = options;
  const g = poolGeometry('avgPool2dBackward', options);
  checkLength('avgPool2dBackward', 'dy', dy, g.output);
  checkLength('avgPool2dBackward', 'dx', dx, g.input);
  call('avgPool2dBackward', () => native().avgPool2dBackward(g.shape, countPadding, dy, dx));
}
