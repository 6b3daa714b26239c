/** Convolutions of channels-last images. The forward pass and its two gradients are linear in both operands and closed under differentiation. */
import { Operation, apply } from '../graph/operation.js';
import type { Activation, ConvShape, Instruction } from '../compile/instructions/index.js';
import type { Shape } from '../graph/shape.js';
import { type Node, type Tensor, type TensorType, floats } from '../graph/tensor.js';
import { type Rules, checkOptions } from '../options.js';
import { checkTensors, tensor } from './arguments.js';
import { type Caller, checkBias, checkImages, checkKernel, convShape, convTransposeShape } from './conv-geometry.js';
import { type Conv1dGeometry, type Conv2dGeometry, type ConvGeometry, type ConvTranspose1dGeometry, type ConvTranspose2dGeometry, asConv2d, asConvTranspose2d, conv1dRules, conv2dRules, convTranspose1dRules, convTranspose2dRules } from './conv-options.js'; // prettier-ignore
import { add, cast } from './elementwise.js';
import { reshape } from './shape.js';
import { transformedWeights, usesWinograd, winogradBackwardData, winogradBackwardWeights, winogradForward, winogradSums } from './winograd.js'; // prettier-ignore

const xShape = (s: ConvShape): Shape => [s.n, s.h, s.w, s.c];
const wShape = (s: ConvShape): Shape => [s.kh, s.kw, s.c / s.groups, s.oc];
const yShape = (s: ConvShape): Shape => [s.n, s.oh, s.ow, s.oc];

/**
 * activation(x ∗ w + bias): x [N, H, W, C], w [KH, KW, C/G, OC], bias [OC] → [N, OH, OW, OC].
 * The compiler makes the forms with a bias or an activation; users write conv2d, add and relu.
 * A second output, which nobody else reads, holds the transformed weights where 3×3 kernels are applied by transforms.
 */
export class ConvForward extends Operation {
  readonly name = 'conv';

  constructor(
    readonly shape: ConvShape,
    readonly activation: Activation = 'none',
  ) {
    super();
  }

  infer(): readonly TensorType[] {
    return withTransform(this.shape, yShape(this.shape));
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    if (dy === undefined) return [];
    const [x, w] = node.inputs as [Tensor, Tensor];
    return [dataGradient(this.shape, dy, w), weightGradient(this.shape, x, dy)];
  }

  lower(node: Node): readonly Instruction[] {
    const [x, w, bias] = node.inputs as [Tensor, Tensor, Tensor | undefined];
    if (usesWinograd(this.shape))
      return winogradForward(this.shape, node.outputs as [Tensor, Tensor], { x, w, bias, activation: this.activation });
    return [{ kind: 'convForward', out: node.outputs[0]!, x, w, bias, shape: this.shape, activation: this.activation }];
  }
}

/** dx of the convolution: dy [N, OH, OW, OC], w [KH, KW, C/G, OC] → [N, H, W, C]. */
export class ConvBackwardData extends Operation {
  readonly name = 'convBackwardData';

  constructor(readonly shape: ConvShape) {
    super();
  }

  infer(): readonly TensorType[] {
    return withTransform(this.shape, xShape(this.shape));
  }

  override vjp(node: Node, [dx]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    if (dx === undefined) return [];
    const [dy, w] = node.inputs as [Tensor, Tensor];
    return [forward(this.shape, dx, w), weightGradient(this.shape, dx, dy)];
  }

  lower(node: Node): readonly Instruction[] {
    const [dy, w] = node.inputs as [Tensor, Tensor];
    if (usesWinograd(this.shape)) return winogradBackwardData(this.shape, node.outputs as [Tensor, Tensor], { dy, w });
    return [{ kind: 'convBackwardData', out: node.outputs[0]!, dy, w, shape: this.shape }];
  }
}

/**
 * dw of the convolution: x [N, H, W, C], dy [N, OH, OW, OC] → [KH, KW, C/G, OC].
 * A second output, which nobody else reads, holds the sums over parts of the pixels where there is more than one part.
 */
export class ConvBackwardWeights extends Operation {
  readonly name = 'convBackwardWeights';

  constructor(readonly shape: ConvShape) {
    super();
  }

  infer(): readonly TensorType[] {
    const dw = floats(wShape(this.shape));
    if (usesWinograd(this.shape)) return [dw, winogradSums(this.shape)];
    const parts = pixelParts(this.shape);
    return parts === 1 ? [dw] : [dw, floats([parts, ...dw.shape])];
  }

  override vjp(node: Node, [dw]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    if (dw === undefined) return [];
    const [x, dy] = node.inputs as [Tensor, Tensor];
    return [dataGradient(this.shape, dy, dw), forward(this.shape, x, dw)];
  }

  lower(node: Node): readonly Instruction[] {
    const [x, dy] = node.inputs as [Tensor, Tensor];
    if (usesWinograd(this.shape)) return winogradBackwardWeights(this.shape, node.outputs as [Tensor, Tensor], { x, dy });
    const [dw, partial] = node.outputs as [Tensor, Tensor | undefined];
    const parts = pixelParts(this.shape);
    const gradient = { kind: 'convBackwardWeights', out: partial ?? dw, x, dy, shape: this.shape, parts } as const;
    if (partial === undefined) return [gradient];
    return [gradient, { kind: 'reduce', reduction: 'sum', out: dw, in: partial, outer: 1, count: parts, inner: dw.size }];
  }
}

function withTransform(s: ConvShape, shape: Shape): readonly TensorType[] {
  const result = floats(shape);
  return usesWinograd(s) ? [result, transformedWeights(s)] : [result];
}

function forward(shape: ConvShape, x: Tensor, w: Tensor): Tensor {
  return apply(new ConvForward(shape), x, w);
}

function dataGradient(shape: ConvShape, dy: Tensor, w: Tensor): Tensor {
  return apply(new ConvBackwardData(shape), dy, w);
}

function weightGradient(shape: ConvShape, x: Tensor, dy: Tensor): Tensor {
  return apply(new ConvBackwardWeights(shape), x, dy);
}

/** Elements of dw that are work for one task, and tasks wanted of one gradient. */
const elementsPerTask = 2 ** 13;
const wantedTasks = 16;
/** A part sums at least so many pixels, so that adding up the parts is little beside it. */
const leastPixels = 512;

/** Into how many sums over pixels a weight gradient is divided: by the shape alone, so that the bits never depend on threads. */
export function pixelParts(s: ConvShape): number {
  const tasks = Math.ceil((s.kh * s.kw * (s.c / s.groups) * s.oc) / elementsPerTask);
  const pixels = s.n * s.oh * s.ow;
  return Math.max(1, Math.min(Math.floor(wantedTasks / Math.max(tasks, 1)), Math.floor(pixels / leastPixels)));
}

interface Bias {
  /** [OC], added to each output channel. Default: none. */
  readonly bias?: Tensor | undefined;
}

/** Options of {@link conv2d}. */
export interface Conv2dOpOptions extends Conv2dGeometry, Bias {}
/** Options of {@link conv1d}. */
export interface Conv1dOpOptions extends Conv1dGeometry, Bias {}
/** Options of {@link convTranspose2d}. */
export interface ConvTranspose2dOpOptions extends ConvTranspose2dGeometry, Bias {}
/** Options of {@link convTranspose1d}. */
export interface ConvTranspose1dOpOptions extends ConvTranspose1dGeometry, Bias {}

/** @internal conv2d in the name of a layer or of a convolution of fewer dimensions */
export function convolve(caller: Caller, x: Tensor, w: Tensor, { bias, ...geometry }: ConvGeometry & Bias): Tensor {
  const shape = convShape(caller, x.shape, w.shape, geometry);
  const y = forward(shape, cast(x, 'float32'), cast(w, 'float32'));
  return withBias(caller.what, y, bias);
}

/** @internal convTranspose2d in the name of a layer or of a transposed convolution of fewer dimensions */
export function convolveTransposed(caller: Caller, x: Tensor, w: Tensor, { bias, ...geometry }: ConvTranspose2dOpOptions): Tensor {
  const shape = convTransposeShape(caller, x.shape, w.shape, geometry);
  const y = dataGradient(shape, cast(x, 'float32'), cast(w, 'float32'));
  return withBias(caller.what, y, bias);
}

/** @param letters of w */
function checkCall<T extends object>(caller: Caller, x: Tensor, w: Tensor, options: T, rules: Rules<T>, letters: string): void {
  checkTensors(caller.what, { x, w });
  checkOptions(caller.what, options, rules);
  checkImages(caller, x.shape);
  checkKernel(caller, w.shape, letters);
}

function withBias(what: string, y: Tensor, bias: Tensor | undefined): Tensor {
  if (bias === undefined) return y;
  checkBias(what, bias.shape, y.shape.at(-1)!);
  return add(y, bias);
}

/**
 * Cross-correlation of images with a kernel, x ∗ w + bias: y[n, i, j, o] = bias[o] +
 * Σ x[n, i·stride − padding + kh·dilation, j·stride − padding + kw·dilation, c] · w[kh, kw, c, o], 0 outside the image.
 *
 * x [N, H, W, C], w [KH, KW, C/G, OC] → [N, OH, OW, OC], OH = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1. With G
 * groups the g-th part of C makes the g-th part of OC.
 *
 * 3×3 kernels with stride 1 and 16 to 512 channels on both sides are applied by Winograd's F(4×4, 3×3), here and in the gradients. Where values are
 * of one size its rounding errors are about three times those of the definition. They are relative to the largest value in the 6×6 pixels that a
 * tile of 4×4 outputs reads, not to the values that an output reads: one value v moves outputs of its tile that do not see it by up to about
 * 7·10⁻⁶ · |v| · (deviation of the weights), and one that is infinite makes them NaN, where the definition does not change. See docs/architecture.md.
 *
 * @throws OptionError for wrong options; ShapeError for ranks, channels or groups that do not fit and a kernel larger than the padded image
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html (there x is [N, C, H, W], w [OC, C/G, KH, KW])
 */
export function conv2d(x: Tensor, w: Tensor, options: Conv2dOpOptions = {}): Tensor {
  const caller: Caller = { what: 'conv2d', dimensions: 2 };
  checkCall(caller, x, w, options, { ...conv2dRules, bias: tensor }, 'KH, KW, C/G, OC');
  return convolve(caller, x, w, options);
}

/**
 * Cross-correlation of sequences with a kernel: conv2d along one dimension.
 * x [N, T, C], w [K, C/G, OC] → [N, OT, OC], OT = ⌊(T + 2·padding − dilation·(K − 1) − 1) / stride⌋ + 1, or ⌈T / stride⌉ where padding is
 * 'same' or 'causal'.
 *
 * @throws OptionError, ShapeError as conv2d
 */
export function conv1d(x: Tensor, w: Tensor, options: Conv1dOpOptions = {}): Tensor {
  const caller: Caller = { what: 'conv1d', dimensions: 1 };
  checkCall(caller, x, w, options, { ...conv1dRules, bias: tensor }, 'K, C/G, OC');
  return convolveSequence(caller, x, w, options);
}

/** @internal conv1d in the name of a layer */
export function convolveSequence(caller: Caller, x: Tensor, w: Tensor, { bias, ...geometry }: Conv1dOpOptions): Tensor {
  const [n, t, c] = x.shape as [number, number, number];
  const y = convolve(caller, reshape(x, [n, 1, t, c]), reshape(w, [1, ...w.shape]), { bias, ...asConv2d(geometry) });
  return reshape(y, [n, ...y.shape.slice(2)]);
}

/**
 * The gradient of conv2d with respect to its input, as an operation of its own: each input pixel adds x · w to the window it stands for.
 *
 * x [N, H, W, C], w [KH, KW, OC/G, C] → [N, OH, OW, OC], OH = (H − 1)·stride − 2·padding + dilation·(KH − 1) + outputPadding + 1.
 *
 * @throws OptionError for wrong options; ShapeError for ranks, channels or groups that do not fit and an output without pixels
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html (there w is [C, OC/G, KH, KW])
 */
export function convTranspose2d(x: Tensor, w: Tensor, options: ConvTranspose2dOpOptions = {}): Tensor {
  const caller: Caller = { what: 'convTranspose2d', dimensions: 2 };
  checkCall(caller, x, w, options, { ...convTranspose2dRules, bias: tensor }, 'KH, KW, OC/G, C');
  return convolveTransposed(caller, x, w, options);
}

/**
 * The gradient of conv1d with respect to its input, as an operation of its own: each input step adds x · w to the window it stands for.
 *
 * x [N, T, C], w [K, OC/G, C] → [N, OT, OC], OT = (T − 1)·stride − 2·padding + dilation·(K − 1) + outputPadding + 1.
 *
 * @throws OptionError for wrong options; ShapeError for ranks, channels or groups that do not fit and an output without elements
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose1d.html (there w is [C, OC/G, K])
 */
export function convTranspose1d(x: Tensor, w: Tensor, options: ConvTranspose1dOpOptions = {}): Tensor {
  const caller: Caller = { what: 'convTranspose1d', dimensions: 1 };
  checkCall(caller, x, w, options, { ...convTranspose1dRules, bias: tensor }, 'K, OC/G, C');
  return convolveSequenceTransposed(caller, x, w, options);
}

/** @internal convTranspose1d in the name of a layer */
export function convolveSequenceTransposed(caller: Caller, x: Tensor, w: Tensor, { bias, ...geometry }: ConvTranspose1dOpOptions): Tensor {
  const [n, t, c] = x.shape as [number, number, number];
  const y = convolveTransposed(caller, reshape(x, [n, 1, t, c]), reshape(w, [1, ...w.shape]), { bias, ...asConvTranspose2d(geometry) });
  return reshape(y, [n, ...y.shape.slice(2)]);
}
