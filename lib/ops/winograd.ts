/** Which convolutions are computed by Winograd's F(4×4, 3×3), and the instructions of their passes. */
import type { Activation, ConvShape, Instruction, WinogradShape } from '../compile/instructions/index.js';
import { type Tensor, type TensorType, floats } from '../graph/tensor.js';

const leastChannels = 16;
/** kMaxWinogradChannels of native/kernels/args.h. */
export const mostChannels = 512;
/** Smaller images do not repay the transform of the weights. */
const leastPixels = 16;
/** Output pixels of a tile on a side, and the products that it takes. */
export const tileSide = 4;
export const positions = 36;
/** Of the pixels computed at least this share must lie in the image; at a half the definition still needs twice the products. */
const leastUse = 0.5;

/** Tiles of one image. */
function tiles(h: number, w: number): number {
  return Math.ceil(h / tileSide) * Math.ceil(w / tileSide);
}

/** 3×3, stride 1: by the shape of one image alone, so that the bits of a sample never depend on the batch it is in. */
export function usesWinograd(s: ConvShape): boolean {
  const plain = s.kh === 3 && s.kw === 3 && s.strideH === 1 && s.strideW === 1 && s.dilationH === 1 && s.dilationW === 1 && s.groups === 1;
  const channels = [s.c, s.oc].every((n) => n >= leastChannels && n <= mostChannels);
  const filled = (h: number, w: number): boolean => h * w >= leastPixels && h * w >= leastUse * tileSide ** 2 * tiles(h, w);
  return plain && channels && s.padTop <= 2 && s.padLeft <= 2 && filled(s.oh, s.ow) && filled(s.h, s.w);
}

/** The transformed weights: room that a convolution needs beside its result. */
export function transformedWeights({ c, oc }: ConvShape): TensorType {
  return floats([positions, c, oc]);
}

export function winogradForward(
  shape: ConvShape,
  [out, u]: readonly [Tensor, Tensor],
  {
    x,
    w,
    bias,
    activation,
  }: { readonly x: Tensor; readonly w: Tensor; readonly bias: Tensor | undefined; readonly activation: Activation },
): readonly Instruction[] {
  const { n, h, w: width, c, oh, ow, oc, padTop, padLeft } = shape;
  const windows: WinogradShape = { n, h, w: width, c, oh, ow, oc, padTop, padLeft };
  return [
    { kind: 'winogradWeights', out: u, w, c, oc, turn: false },
    { kind: 'winogradConv', out, x, u, bias, shape: windows, activation },
  ];
}

/** The convolution of dy with the kernel turned by half a turn. */
export function winogradBackwardData(
  shape: ConvShape,
  [out, u]: readonly [Tensor, Tensor],
  { dy, w }: { readonly dy: Tensor; readonly w: Tensor },
): readonly Instruction[] {
  const { n, c, oc } = shape;
  const windows: WinogradShape = {
    n,
    h: shape.oh,
    w: shape.ow,
    c: oc,
    oh: shape.h,
    ow: shape.w,
    oc: c,
    padTop: 2 - shape.padTop,
    padLeft: 2 - shape.padLeft,
  };
  return [
    { kind: 'winogradWeights', out: u, w, c, oc, turn: true },
    { kind: 'winogradConv', out, x: dy, u, bias: undefined, shape: windows, activation: 'none' },
  ];
}

/** Tasks wanted of one gradient; a task holds a third of the sums of at most so many channels and has at least so many tiles. */
const wantedTasks = 12;
const taskChannels = 64;
const leastTiles = 64;

/** Into how many sums over tiles a weight gradient is divided: by the shape alone, so that the bits never depend on threads. */
export function winogradParts(s: ConvShape): number {
  const tasks = 3 * Math.ceil(s.c / taskChannels) * Math.ceil(s.oc / taskChannels);
  return Math.max(1, Math.min(Math.floor(wantedTasks / tasks), Math.floor((s.n * tiles(s.oh, s.ow)) / leastTiles)));
}

export function winogradSums(s: ConvShape): TensorType {
  return floats([winogradParts(s), positions, s.c, s.oc]);
}

export function winogradBackwardWeights(
  shape: ConvShape,
  [out, sums]: readonly [Tensor, Tensor],
  { x, dy }: { readonly x: Tensor; readonly dy: Tensor },
): readonly Instruction[] {
  const { n, h, w, c, oh, ow, oc, padTop, padLeft } = shape;
  const parts = winogradParts(shape);
  return [
    { kind: 'winogradBackwardWeights', out: sums, x, dy, shape: { n, h, w, c, oh, ow, oc, padTop, padLeft }, parts },
    { kind: 'winogradGradient', out, sums, c, oc, parts },
  ];
}
