/** Augmentations that only say where each pixel comes from, so that a row of them reads the images once. */
import { ShapeError, formatShape } from '../../errors.js';
import { affineSample } from '../../ops/affine-sample.js';
import { type AffineMap, compose, theta } from './affine-map.js';
import { type Augmentation, type ImageShape, type RandomScope, type TensorBatch, imageShape } from './augmentation.js';

/** Where the pixels of a result of height × width come from. */
export interface Placement {
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
 * bilinear blur happens once.
 * @throws ShapeError if x are no images, or if the targets are: they would stay where they are
 */
export function placed({ x, y }: TensorBatch, steps: readonly Geometric[], scope: RandomScope): TensorBatch {
  const [{ name }] = steps as [Geometric];
  const { n, h, w, c } = imageShape(name, x);
  if (y.rank >= 3 && y.shape[1] === h && y.shape[2] === w) {
    throw new ShapeError(
      `${name}: expected targets that do not move with the pixels, got ${formatShape(y.shape)}, one for each pixel. Move x and y alike in an augmentation of your own, { name, forward }.`,
    );
  }
  const identity: Placement = { map: [1, 0, 0, 0, 1, 0], height: h, width: w };
  const { map, height, width } = steps.reduce<Placement>((before, { place }) => {
    const next = place({ n, h: before.height, w: before.width, c }, scope);
    return { ...next, map: compose(before.map, next.map) };
  }, identity);
  return { x: affineSample(x, theta(map, n), { height, width }), y };
}
