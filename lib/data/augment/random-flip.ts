import { less, where } from '../../ops/elementwise.js';
import { checkOptions, oneOf, unit } from '../../options.js';
import type { Augmentation } from './augmentation.js';
import { drawn } from './draw.js';
import { geometric } from './geometric.js';

/** Options of {@link randomFlip}. */
export interface RandomFlipOptions {
  /** Share of the images that are flipped, in [0, 1]. Default: 0.5. */
  readonly probability?: number | undefined;
  /** 'horizontal': left to right; 'vertical': top to bottom, for images without an upright side. For both, list one of each. Default: 'horizontal'. */
  readonly direction?: 'horizontal' | 'vertical' | undefined;
}

/**
 * Mirrors some of the images, left to right or top to bottom.
 *
 * y[i, j] = u < probability ? x[i, W − 1 − j], or x[H − 1 − i, j] : x[i, j].   x [N, H, W, C] → [N, H, W, C]
 * Targets for each pixel, y [N, H, W] or [N, H, W, C], move along: ids (int32, or bytes [N, H, W]) from the nearest pixel.
 *
 * @throws OptionError for wrong options; ShapeError if x is no [N, H, W, C], or y,
 *   not [N, 1, 1, ...], is int32 or uint8 of rank 3 or anything of rank 4 and another size than H × W
 */
export function randomFlip(options: RandomFlipOptions = {}): Augmentation {
  const { probability = 0.5, direction = 'horizontal' } = checkOptions('randomFlip', options, {
    probability: unit,
    direction: oneOf('horizontal', 'vertical'),
  });
  return geometric('randomFlip', ({ n, h, w }, scope) => {
    const [u] = drawn(scope, n, 1);
    const flipped = less(u!, probability);
    const sign = where(flipped, -1, 1);
    const last = where(flipped, (direction === 'horizontal' ? w : h) - 1, 0);
    return { map: direction === 'horizontal' ? [1, 0, 0, 0, sign, last] : [sign, 0, last, 0, 1, 0], height: h, width: w };
  });
}
