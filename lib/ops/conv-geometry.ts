/** Sizes of convolutions, and whether operands and options fit each other. */
import { OptionError, ShapeError, formatShape } from '../errors.js';
import type { ConvShape } from '../compile/instructions/index.js';
import type { Shape } from '../graph/shape.js';
import { type ConvGeometry, type ConvTranspose2dGeometry, both } from './conv-options.js';

/** Who convolves, and how the dimensions are called there. */
export interface Caller {
  readonly what: string;
  readonly dimensions: 1 | 2;
}

/** @throws ShapeError unless x is [N, T, C] or [N, H, W, C] */
export function checkImages({ what, dimensions }: Caller, x: Shape): void {
  const [letters, noun] = dimensions === 1 ? ['[N, T, C]', 'a sequence'] : ['[N, H, W, C]', 'an image'];
  if (x.length !== dimensions + 2) {
    throw new ShapeError(
      `${what}: expected x of rank ${dimensions + 2} ${letters}, got ${formatShape(x)}. Reshape it; ${noun} of one channel has C = 1.`,
    );
  }
}

/** @throws ShapeError unless x [..., C] has channels: a layer without weights would pass on its bias alone */
export function checkChannels(what: string, x: Shape): void {
  if (x.at(-1) === 0)
    throw new ShapeError(`${what}: expected x of at least one channel C, got ${formatShape(x)}. Change the layer before it.`);
}

/** @throws ShapeError for a number the native side cannot hold: the first by name, so that those given come before what follows from them */
export function checkSizes(what: string, sizes: Readonly<Record<string, number>>): void {
  const large = Object.entries(sizes).find(([, size]) => size >= 2 ** 31);
  if (large !== undefined) throw new ShapeError(`${what}: expected sizes below 2³¹, got ${large.join(' = ')}.`);
}

/** @throws ShapeError unless w is [K, C/G, OC] or [KH, KW, C/G, OC], here written with the letters of the caller */
export function checkKernel({ what, dimensions }: Caller, w: Shape, letters: string): void {
  if (w.length !== dimensions + 2 || w.slice(0, dimensions).includes(0)) {
    throw new ShapeError(`${what}: expected w of rank ${dimensions + 2} [${letters}], none of the kernel sizes 0, got ${formatShape(w)}.`);
  }
}

/** @throws ShapeError unless each group gets as many of the channels */
export function checkGroups(what: string, name: string, channels: number, groups: number): void {
  if (channels % groups !== 0) {
    throw new ShapeError(
      `${what}: expected groups that divide ${name}, got ${channels} / ${groups} (remainder ${channels % groups}). Change groups or the channels.`,
    );
  }
}

/** @throws ShapeError unless b has one element an output channel */
export function checkBias(what: string, bias: Shape, channels: number): void {
  if (bias.length !== 1 || bias[0] !== channels) {
    throw new ShapeError(`${what}: expected bias of shape [${channels}], one element an output channel, got ${formatShape(bias)}.`);
  }
}

/** The convolution of x [N, H, W, C] with w [KH, KW, C/G, OC]. Ranks are checked. */
export function convShape(caller: Caller, x: Shape, w: Shape, options: ConvGeometry): ConvShape {
  const { what, dimensions } = caller;
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const [n, height, width, c] = x as [number, number, number, number];
  const [kh, kw, depth, oc] = w as [number, number, number, number];
  checkGroups(what, 'the channels C of x', c, groups);
  if (depth * groups !== c) {
    throw new ShapeError(
      `${what}: expected w with C / groups = ${c} / ${groups} = ${c / groups} input channels, got ${depth}. Change w, groups or the channels of x.`,
    );
  }
  checkGroups(what, 'the output channels OC', oc, groups);
  const [strideH, strideW] = both(stride);
  const [dilationH, dilationW] = both(dilation);
  const [padH, padW] = typeof padding === 'string' ? [padding, padding] : both(padding);
  const rows = outputSize(what, 'height', height, kh, strideH, dilationH, padH);
  const columns = outputSize(what, dimensions === 1 ? 'length' : 'width', width, kw, strideW, dilationW, padW);
  const shape: ConvShape = {
    n,
    h: height,
    w: width,
    c,
    oh: rows.size,
    ow: columns.size,
    oc,
    kh,
    kw,
    strideH,
    strideW,
    dilationH,
    dilationW,
    padTop: rows.before,
    padLeft: columns.before,
    groups,
  };
  const { oh, ow, ...given } = shape;
  checkSizes(what, { ...given, oh, ow });
  return shape;
}

/** @throws ShapeError for an image without pixels or a sequence without steps */
function checkPixels(what: string, name: string, size: number): void {
  if (size === 0) throw new ShapeError(`${what}: expected x of ${name} ≥ 1, got 0. Leave out examples that are empty.`);
}

/** Windows along one dimension, and the zeros before the first element. */
function outputSize(
  what: string,
  name: string,
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: number | 'same' | 'valid' | 'causal',
): { readonly size: number; readonly before: number } {
  checkPixels(what, name, size);
  const window = dilation * (kernel - 1) + 1;
  if (padding === 'same' || padding === 'causal') {
    const windows = Math.ceil(size / stride);
    if (padding === 'causal') return { size: windows, before: window - 1 };
    return { size: windows, before: Math.floor(Math.max(0, (windows - 1) * stride + window - size) / 2) };
  }
  const before = padding === 'valid' ? 0 : padding;
  if (size + 2 * before < window) {
    throw new ShapeError(
      `${what}: expected a kernel that fits the padded ${name} of x, got ${dilation} · (${kernel} − 1) + 1 = ${window} > ${size} + 2 · ${before} = ${size + 2 * before}. Make the kernel or dilation smaller, or padding or x larger.`,
    );
  }
  return { size: Math.floor((size + 2 * before - window) / stride) + 1, before };
}

/** The convolution that x [N, H, W, C] is the output of, with w [KH, KW, OC/G, C]; its input is the result. Ranks are checked. */
export function convTransposeShape({ what, dimensions }: Caller, x: Shape, w: Shape, options: ConvTranspose2dGeometry): ConvShape {
  const { stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1 } = options;
  const [n, oh, ow, oc] = x as [number, number, number, number];
  const [kh, kw, width, inputs] = w as [number, number, number, number];
  if (inputs !== oc) {
    throw new ShapeError(`${what}: expected w with the ${oc} channels C of x last, got ${inputs}. Change w or the channels of x.`);
  }
  checkGroups(what, 'the channels C of x', oc, groups);
  const [strideH, strideW] = both(stride);
  const [dilationH, dilationW] = both(dilation);
  const [padTop, padLeft] = both(padding);
  const [extraH, extraW] = both(outputPadding);
  const shape: ConvShape = {
    n,
    h: transposedSize(what, 'height', oh, kh, strideH, dilationH, padTop, extraH),
    w: transposedSize(what, dimensions === 1 ? 'length' : 'width', ow, kw, strideW, dilationW, padLeft, extraW),
    c: width * groups,
    oh,
    ow,
    oc,
    kh,
    kw,
    strideH,
    strideW,
    dilationH,
    dilationW,
    padTop,
    padLeft,
    groups,
  };
  const { h, w: wide, ...given } = shape;
  checkSizes(what, { ...given, h, w: wide });
  return shape;
}

function transposedSize(
  what: string,
  name: string,
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: number,
  extra: number,
): number {
  checkPixels(what, name, size);
  checkOutputPadding(what, extra, stride, dilation);
  const result = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1;
  if (result < 1) {
    throw new ShapeError(
      `${what}: expected an output of ${name} ≥ 1, got (${size} − 1) · ${stride} − 2 · ${padding} + ${dilation} · (${kernel} − 1) + ${extra} + 1 = ${result}. Make padding smaller or the kernel or x larger.`,
    );
  }
  return result;
}

/** @throws OptionError if rows would be added that no window reaches */
function checkOutputPadding(what: string, extra: number, stride: number, dilation: number): void {
  if (extra >= Math.max(stride, dilation)) {
    throw new OptionError(
      `${what}: expected outputPadding below the stride ${stride} or the dilation ${dilation}, got ${extra}. Make it smaller, or pad the result.`,
    );
  }
}
