/** Augmentations that only say where each pixel comes from, so that a row of them reads the images once. */
import { OptionError, ShapeError, formatShape } from '../../errors.js';
import { iota } from '../../graph/source.js';
import type { Tensor } from '../../graph/tensor.js';
import { affineSample } from '../../ops/affine-sample.js';
import { add, cast, clip, greaterEqual, less, mul, round, where } from '../../ops/elementwise.js';
import { gatherRows } from '../../ops/gather.js';
import { reshape, unstack } from '../../ops/shape.js';
import { type Rules, integer } from '../../options.js';
import { type AffineMap, compose, theta } from './affine-map.js';
import { type Augmentation, type ImageShape, type RandomScope, type TensorBatch, formatBatch, imageShape } from './augmentation.js';

/** Up to here float32, in which the ids of pixels and their numbers are computed, has all whole numbers. */
const mostWhole = 2 ** 24;

/** Options of {@link randomShift} and {@link randomRotation}, and among those of {@link randomCrop}. */
export interface OutsideOptions {
  /**
   * The id of target pixels that come from outside of the image, such as the `ignoreIndex` of the loss; for targets of ids alone. In a row of shifts,
   * crops, turns and flips, which read the images once, it holds for all, and the last one given counts. Default: 0.
   */
  readonly outside?: number | undefined;
}

export const outsideRules: Rules<OutsideOptions> = {
  outside: { expected: 'a whole number, −2²⁴ … 2²⁴,', accepts: (value) => integer.accepts(value) && Math.abs(Number(value)) <= mostWhole },
};

/** Where the pixels of a result of height × width come from, and the ids of those that come from nowhere. */
export interface Placement extends OutsideOptions {
  readonly map: AffineMap;
  readonly height: number;
  readonly width: number;
}

/** Gives the placement for images of these sizes, drawing what is random in it. */
export type Place = (images: ImageShape, scope: RandomScope) => Placement;

export interface Geometric extends Augmentation {
  readonly place: Place;
}

export function isGeometric(augmentation: Augmentation): augmentation is Geometric {
  return 'place' in augmentation;
}

/** An augmentation that moves pixels. */
export function geometric(name: string, place: Place): Geometric {
  const self: Geometric = {
    name,
    place,
    forward: (batch, scope) => placed(batch, [self], scope),
  };
  return self;
}

/**
 * All of them in order, but with one sampling: a pixel that one moves out of the image and the next back in is still there, and
 * bilinear blur happens once. Targets for each pixel, y [N, H, W] or [N, H, W, C], move along.
 * @throws ShapeError if x are no images, or y are ids [N, H, W] or anything [N, H, W, C] of another size, but for [N, 1, 1, ...]
 */
export function placed({ x, y }: TensorBatch, steps: readonly Geometric[], scope: RandomScope): TensorBatch {
  const [{ name }] = steps as [Geometric];
  const { n, h, w, c } = imageShape(name, x);
  const identity: Placement = { map: [1, 0, 0, 0, 1, 0], height: h, width: w };
  const placement = steps.reduce<Placement>((before, { place }) => {
    const next = place({ n, h: before.height, w: before.width, c }, scope);
    return { ...next, map: compose(before.map, next.map), outside: next.outside ?? before.outside };
  }, identity);
  const maps = theta(placement.map, n);
  const [, rows, columns] = y.shape;
  const moves = (y.rank === 3 || y.rank === 4) && rows === h && columns === w;
  // Floats [N, ...] of rank 3 may be boxes or points, ids are those of pixels.
  const ofPixels = y.rank === 4 || (y.rank === 3 && y.dtype !== 'float32');
  if (ofPixels && !moves && (rows !== 1 || columns !== 1)) {
    const otherwise = y.rank === 3 ? ', or make them float32 if they are none of pixels' : '';
    throw new ShapeError(
      `${name}: expected targets for each pixel of images ${formatBatch(x)}, or one for each image, got ${formatBatch(y)}, which would stay where they are. Give them the size of the images and make them smaller in the loss${otherwise}.`,
    );
  }
  const { height, width } = placement;
  return { x: affineSample(x, maps, { height, width }), y: moves ? moved(name, y, maps, placement) : y };
}

/** Numbers are read between pixels as those of the images are; ids, int32 or bytes [N, H, W], from the nearest pixel. */
function moved(name: string, y: Tensor, maps: Tensor, { height, width, outside }: Placement): Tensor {
  const [n, h, w, c = 1] = y.shape as [number, number, number, number?];
  const shape = [n, height, width, ...y.shape.slice(3)];
  const isIds = y.dtype === 'int32' || (y.dtype === 'uint8' && y.rank === 3);
  if (outside !== undefined && (!isIds || (y.dtype === 'uint8' && (outside < 0 || outside > 255)))) {
    throw new OptionError(
      `${name}: expected targets of ids, int32, or bytes [N, H, W] where outside is 0 … 255, got ${y.dtype} ${formatBatch(y)} and outside ${outside}. Convert them, or give another outside or none.`,
    );
  }
  if (!isIds) return reshape(affineSample(reshape(y, [n, h, w, c]), maps, { height, width }), shape);
  if (n * h * w > mostWhole) {
    throw new ShapeError(
      `${name}: expected at most 2²⁴ ids of pixels in a batch, got targets ${formatShape(y.shape)}. Make the batches smaller.`,
    );
  }
  const t = unstack(maps, 1).map((column) => reshape(column, [n, 1, 1]));
  const [i, j] = [reshape(iota(height), [height, 1]), iota(width)];
  const nearest = (a: number): Tensor => round(add(add(mul(t[a]!, i), mul(t[a + 1]!, j)), t[a + 2]!));
  const [row, column] = [nearest(0), nearest(3)];
  const inside = (at: Tensor, size: number): Tensor => mul(greaterEqual(at, 0), less(at, size));
  const images = reshape(iota(n), [n, 1, 1]);
  const pixel = add(mul(add(mul(images, h), clip(row, 0, h - 1)), w), clip(column, 0, w - 1));
  const pixels = n * height * width;
  const ids = gatherRows(reshape(y, [n * h * w, c]), reshape(cast(pixel, 'int32'), [pixels]));
  const known = reshape(mul(inside(row, h), inside(column, w)), [pixels, 1]);
  return reshape(cast(where(known, ids, outside ?? 0), y.dtype), shape);
}
