import { add, floor, mul } from '../../ops/elementwise.js';
import { check, checkOptions, nonNegativeInteger } from '../../options.js';
import type { Augmentation } from './augmentation.js';
import { drawn } from './draw.js';
import { type OutsideOptions, geometric, outsideRules } from './geometric.js';

/**
 * Moves each image by a whole number of pixels up or down and another left or right, each −pixels … pixels and equally likely. What
 * comes in from outside is 0.
 *
 * y[i, j] = x[i + dy, j + dx].   x [N, H, W, C] → [N, H, W, C]
 * Targets for each pixel, y [N, H, W] or [N, H, W, C], move along: ids (int32, or bytes [N, H, W]) from the nearest pixel, `outside` from outside.
 *
 * @throws OptionError unless pixels is a whole number ≥ 0, for wrong options, or for an `outside` that targets of pixels cannot hold; ShapeError if x is no [N, H, W, C], or y,
 *   not [N, 1, 1, ...], is int32 or uint8 of rank 3 or anything of rank 4 and another size than H × W
 */
export function randomShift(pixels: number, options: OutsideOptions = {}): Augmentation {
  check('randomShift', 'pixels', pixels, nonNegativeInteger);
  const { outside } = checkOptions('randomShift', options, outsideRules);
  return geometric('randomShift', ({ n, h, w }, scope) => {
    const [dy, dx] = drawn(scope, n, 2).map((u) => add(floor(mul(u, 2 * pixels + 1)), -pixels));
    return { map: [1, 0, dy!, 0, 1, dx!], height: h, width: w, outside };
  });
}
