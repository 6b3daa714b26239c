/** Pooling of channels-last images: the largest or the mean pixel under each window. */
import { Operation, apply } from '../graph/operation.js';
import type { Instruction, PoolShape } from '../compile/instructions/index.js';
import { constant, iota } from '../graph/source.js';
import type { Shape } from '../graph/shape.js';
import { type Node, type Tensor, type TensorType, floats } from '../graph/tensor.js';
import { type Rules, boolean, check, checkOptions, count, nonNegativeInteger } from '../options.js';
import { type Caller, checkImages } from './conv-geometry.js';
import { checkTensors } from './arguments.js';
import { type Pair, pairOf } from './conv-options.js';
import { cast, equal, where } from './elementwise.js';
import { gatherRows } from './gather.js';
import { sum } from './reduce.js';
import { type PoolOptions, poolRules, poolShape } from './pool-geometry.js';
import { reshape, transpose } from './shape.js';

export type { PoolOptions };

/** Options of mean pooling. */
export interface AvgPoolOptions extends PoolOptions {
  /** Divide by the whole window where it meets padding, not only by its pixels in the image. Default: true. */
  readonly countPadding?: boolean | undefined;
}

/** @internal */
export const avgPoolRules: Rules<AvgPoolOptions> = { ...poolRules, countPadding: boolean };

const xShape = (s: PoolShape): Shape => [s.n, s.h, s.w, s.c];
const yShape = (s: PoolShape): Shape => [s.n, s.oh, s.ow, s.c];

/** y and, for the gradient, which tap of each window was its first maximum. */
class MaxPool extends Operation {
  readonly name = 'maxPool';

  constructor(readonly shape: PoolShape) {
    super();
  }

  infer(): readonly TensorType[] {
    return [floats(yShape(this.shape)), { shape: yShape(this.shape), dtype: 'int32' }];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return [dy && apply(new MaxPoolBackward(this.shape), dy, node.outputs[1]!)];
  }

  lower(node: Node): readonly Instruction[] {
    const [out, outIndex] = node.outputs as [Tensor, Tensor];
    return [{ kind: 'maxPool', out, outIndex, in: node.inputs[0]!, shape: this.shape }];
  }
}

/** @internal */
export class MaxPoolBackward extends Operation {
  readonly name = 'maxPoolBackward';

  constructor(readonly shape: PoolShape) {
    super();
  }

  infer(): readonly TensorType[] {
    return [floats(xShape(this.shape))];
  }

  override vjp(node: Node, [dx]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return [dx && atMaxima(dx, node.inputs[1]!, this.shape)];
  }

  lower(node: Node): readonly Instruction[] {
    const [dy, index] = node.inputs as [Tensor, Tensor];
    return [{ kind: 'maxPoolBackward', out: node.outputs[0]!, dy, index, shape: this.shape }];
  }
}

/** x [N, H, W, C] at the tap of each window that was its maximum, index [N, OH, OW, C] → [N, OH, OW, C]. */
function atMaxima(x: Tensor, index: Tensor, s: PoolShape): Tensor {
  const { n, h, w, c, oh, ow, kh, kw } = s;
  // Pixels first: what lies under the windows is the same for all images.
  const turned = (t: Tensor, a: number, b: number): Tensor => transpose(reshape(t, [a, b, c]), [1, 0, 2]);
  const pixels = reshape(turned(x, n, h * w), [h * w, n * c]);
  const under = gatherRows(pixels, constant(pixelsUnder(s), [oh * ow, kh * kw]));
  const isMaximum = equal(reshape(turned(index, n, oh * ow), [oh * ow, 1, n * c]), reshape(iota(kh * kw), [kh * kw, 1]));
  return reshape(turned(sum(where(isMaximum, under, 0), { axes: 1 }), oh * ow, n), yShape(s));
}

/** For each tap of each window the pixel of the image, row · W + column; 0 for padding, which is no maximum. */
function pixelsUnder({ h, w, oh, ow, kh, kw, strideH, strideW, padTop, padLeft }: PoolShape): Int32Array {
  return Int32Array.from({ length: oh * ow * kh * kw }, (_, at) => {
    const tap = at % (kh * kw);
    const window = Math.floor(at / (kh * kw));
    const row = Math.floor(window / ow) * strideH - padTop + Math.floor(tap / kw);
    const column = (window % ow) * strideW - padLeft + (tap % kw);
    return row >= 0 && row < h && column >= 0 && column < w ? row * w + column : 0;
  });
}

class AvgPool extends Operation {
  readonly name = 'avgPool';

  constructor(
    readonly shape: PoolShape,
    readonly countPadding: boolean,
  ) {
    super();
  }

  infer(): readonly TensorType[] {
    return [floats(yShape(this.shape))];
  }

  override vjp(_node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return [dy && apply(new AvgPoolBackward(this.shape, this.countPadding), dy)];
  }

  lower(node: Node): readonly Instruction[] {
    return [{ kind: 'avgPool', out: node.outputs[0]!, in: node.inputs[0]!, shape: this.shape, countPadding: this.countPadding }];
  }
}

class AvgPoolBackward extends Operation {
  readonly name = 'avgPoolBackward';

  constructor(
    readonly shape: PoolShape,
    readonly countPadding: boolean,
  ) {
    super();
  }

  infer(): readonly TensorType[] {
    return [floats(xShape(this.shape))];
  }

  override vjp(_node: Node, [dx]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return [dx && apply(new AvgPool(this.shape, this.countPadding), dx)];
  }

  lower(node: Node): readonly Instruction[] {
    return [{ kind: 'avgPoolBackward', out: node.outputs[0]!, dy: node.inputs[0]!, shape: this.shape, countPadding: this.countPadding }];
  }
}

/**
 * The largest pixel under each window, channel by channel; the first of equals, and NaN wins.
 * x [N, H, W, C] → [N, OH, OW, C], OH = ⌊(H + 2·padding − KH) / stride⌋ + 1.
 *
 * @throws OptionError for wrong options; ShapeError if x is no [N, H, W, C], the padding is more than half the kernel or no window fits
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html
 */
export function maxPool2d(x: Tensor, kernelSize: Pair, options: PoolOptions = {}): Tensor {
  checkTensors('maxPool2d', { x });
  check('maxPool2d', 'kernelSize', kernelSize, pairOf(count));
  checkOptions('maxPool2d', options, poolRules);
  return maxPool({ what: 'maxPool2d', dimensions: 2 }, x, kernelSize, options);
}

/** @internal maxPool2d in the name of a layer */
export function maxPool(caller: Caller, x: Tensor, kernelSize: Pair, options: PoolOptions): Tensor {
  return apply(new MaxPool(poolShape(caller, x.shape, kernelSize, options)), cast(x, 'float32'));
}

/**
 * The mean of the pixels under each window, channel by channel.
 * x [N, H, W, C] → [N, OH, OW, C], OH = ⌊(H + 2·padding − KH) / stride⌋ + 1.
 *
 * @throws OptionError for wrong options; ShapeError if x is no [N, H, W, C], the padding is more than half the kernel or no window fits
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html
 */
export function avgPool2d(x: Tensor, kernelSize: Pair, options: AvgPoolOptions = {}): Tensor {
  checkTensors('avgPool2d', { x });
  check('avgPool2d', 'kernelSize', kernelSize, pairOf(count));
  checkOptions('avgPool2d', options, avgPoolRules);
  return avgPool({ what: 'avgPool2d', dimensions: 2 }, x, kernelSize, options);
}

/** @internal avgPool2d in the name of a layer */
export function avgPool(caller: Caller, x: Tensor, kernelSize: Pair, { countPadding = true, ...options }: AvgPoolOptions): Tensor {
  return apply(new AvgPool(poolShape(caller, x.shape, kernelSize, options), countPadding), cast(x, 'float32'));
}

/** Options of pooling along one dimension. */
export interface Pool1dOptions {
  /** Elements from one window to the next. Default: kernelSize. */
  readonly stride?: number | undefined;
  /** Elements on each side that no maximum sees and an average takes for 0; at most half the kernel. Default: 0. */
  readonly padding?: number | undefined;
  /** A last window may reach beyond the padding, as long as it starts before it. Default: false. */
  readonly ceilMode?: boolean | undefined;
}

/** @internal */
export const pool1dRules: Rules<Pool1dOptions> = { stride: count, padding: nonNegativeInteger, ceilMode: boolean };

/** @internal A sequence [N, T, C] as an image of one row for `pool`, which takes the kernel and the options of images. */
export function poolSequence(
  caller: Caller,
  x: Tensor,
  kernelSize: number,
  { stride = kernelSize, padding = 0, ...options }: Pool1dOptions & Pick<AvgPoolOptions, 'countPadding'>,
  pool: (caller: Caller, x: Tensor, kernelSize: Pair, options: AvgPoolOptions) => Tensor,
): Tensor {
  checkImages(caller, x.shape);
  const [n, t, c] = x.shape as [number, number, number];
  const y = pool(caller, reshape(x, [n, 1, t, c]), [1, kernelSize], { ...options, stride: [1, stride], padding: [0, padding] });
  return reshape(y, [n, ...y.shape.slice(2)]);
}
