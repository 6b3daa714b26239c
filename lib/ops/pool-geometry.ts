/** Sizes of pooling, and whether images and options fit each other. */
import type { PoolShape } from '../compile/instructions/index.js';
import { ShapeError } from '../errors.js';
import type { Shape } from '../graph/shape.js';
import { type Rules, boolean, count, nonNegativeInteger } from '../options.js';
import { type Caller, checkImages, checkSizes } from './conv-geometry.js';
import { type Pair, both, pairOf } from './conv-options.js';

/** Options of pooling images. */
export interface PoolOptions {
  /** Pixels from one window to the next. Default: kernelSize. */
  readonly stride?: Pair | undefined;
  /** Pixels on each side that no maximum sees and an average takes for 0; at most half the kernel. Default: 0. */
  readonly padding?: Pair | undefined;
  /** A last window may reach beyond the padding, as long as it starts before it. Default: false. */
  readonly ceilMode?: boolean | undefined;
}

export const poolRules: Rules<PoolOptions> = { stride: pairOf(count), padding: pairOf(nonNegativeInteger), ceilMode: boolean };

/**
 * The windows of a kernel on x [N, H, W, C].
 * @throws ShapeError if x is none, the padding is more than half the kernel, no window fits or one has 2³¹ taps
 */
export function poolShape({ what, dimensions }: Caller, x: Shape, kernelSize: Pair, options: PoolOptions): PoolShape {
  checkImages({ what, dimensions: 2 }, x);
  const { stride = kernelSize, padding = 0, ceilMode = false } = options;
  const [n, h, w, c] = x as [number, number, number, number];
  const [kh, kw] = both(kernelSize);
  const [strideH, strideW] = both(stride);
  const [padH, padW] = both(padding);
  const shape: PoolShape = {
    n,
    h,
    w,
    c,
    oh: windows(what, 'height', h, kh, strideH, padH, ceilMode),
    ow: windows(what, dimensions === 1 ? 'length' : 'width', w, kw, strideW, padW, ceilMode),
    kh,
    kw,
    strideH,
    strideW,
    padTop: padH,
    padLeft: padW,
  };
  const { oh, ow, ...given } = shape;
  checkSizes(what, { ...given, oh, ow });
  if (kh * kw >= 2 ** 31) throw new ShapeError(`${what}: expected a kernel of fewer than 2³¹ taps, got ${kh} · ${kw}. Make it smaller.`);
  return shape;
}

/** How many windows fit along one dimension. */
function windows(what: string, name: string, size: number, kernel: number, stride: number, padding: number, ceilMode: boolean): number {
  if (2 * padding > kernel) {
    throw new ShapeError(`${what}: expected a padding of at most half the kernel of ${name} ${kernel}, got ${padding}. Pad x before.`);
  }
  if (size === 0) throw new ShapeError(`${what}: expected x of ${name} ≥ 1, got 0: an image without pixels has no largest one.`);
  const room = size + 2 * padding - kernel;
  if (room < (ceilMode ? 1 - stride : 0)) {
    throw new ShapeError(
      `${what}: expected a kernel that fits the padded ${name} of x, got ${kernel} > ${size} + 2 · ${padding} = ${size + 2 * padding}. Make the kernel smaller or x larger.`,
    );
  }
  if (!ceilMode) return Math.floor(room / stride) + 1;
  const up = Math.ceil(room / stride) + 1;
  return (up - 1) * stride >= size + padding ? up - 1 : up;
}
