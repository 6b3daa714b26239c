/** Which convolutions are computed by Winograd's F(2×2, 3×3), and the instructions of their passes. */
import type { Activation, ConvShape, Instruction, WinogradShape } from '../compile/instruction.js';
import type { Tensor, TensorType } from '../graph/tensor.js';

const leastChannels = 16;
/** kMaxWinogradChannels of native/kernels/args.h. */
const mostChannels = 512;
/** Smaller images do not repay the transform of the weights. */
const leastPixels = 16;
/** Of the pixels computed, tiles being 2 × 2, at least this share must lie in the image. */
const leastUse = 0.6;

/** 3×3, stride 1: by the shape of one image alone, so that the bits of a sample never depend on the batch it is in. */
export function usesWinograd(s: ConvShape): boolean {
  const plain = s.kh === 3 && s.kw === 3 && s.strideH === 1 && s.strideW === 1 && s.dilationH === 1 && s.dilationW === 1 && s.groups === 1;
  const channels = [s.c, s.oc].every((n) => n >= leastChannels && n <= mostChannels);
  const filled = (h: number, w: number): boolean => h * w >= leastPixels && h * w >= leastUse * 4 * Math.ceil(h / 2) * Math.ceil(w / 2);
  return plain && channels && s.padTop <= 2 && s.padLeft <= 2 && filled(s.oh, s.ow) && filled(s.h, s.w);
}

/** The transformed weights: room that a convolution needs beside its result. */
export function transformedWeights({ c, oc }: ConvShape): TensorType {
  return { shape: [16, c, oc], dtype: 'float32' };
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

/** Tasks wanted of one gradient; a task holds sums of at most so many channels and has at least so many tiles. */
const wantedTasks = 8;
const taskInputs = 128;
const taskOutputs = 64;
const leastTiles = 64;

/** Into how many sums over tiles a weight gradient is divided: by the shape alone, so that the bits never depend on threads. */
export function winogradParts(s: ConvShape): number {
  const tasks = Math.ceil(s.c / taskInputs) * Math.ceil(s.oc / taskOutputs);
  const tiles = s.n * Math.ceil(s.oh / 2) * Math.ceil(s.ow / 2);
  return Math.max(1, Math.min(Math.floor(wantedTasks / tasks), Math.floor(tiles / leastTiles)));
}

export function winogradSums(s: ConvShape): TensorType {
  return { shape: [winogradParts(s), 16, s.c, s.oc], dtype: 'float32' };
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
