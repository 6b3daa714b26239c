import { add, cos, mul, neg, sin } from '../../ops/elementwise.js';
import { check, checkOptions, nonNegative } from '../../options.js';
import { aboutMiddle } from './affine-map.js';
import type { Augmentation } from './augmentation.js';
import { drawn } from './draw.js';
import { type OutsideOptions, geometric, outsideRules } from './geometric.js';

/**
 * Turns each image about its middle by an angle uniform in [−degrees, degrees), counter-clockwise where positive, bilinear between
 * pixels. What comes in from outside is 0.
 *
 * y[i, j] = x at the middle + R(angle) · ((i, j) − middle).   x [N, H, W, C] → [N, H, W, C]
 * Targets for each pixel, y [N, H, W] or [N, H, W, C], move along: ids (int32, or bytes [N, H, W]) from the nearest pixel, `outside` from outside.
 *
 * @throws OptionError unless degrees is a number ≥ 0, for wrong options, or for an `outside` that targets of pixels cannot hold; ShapeError if x is no [N, H, W, C], or y,
 *   not [N, 1, 1, ...], is int32 or uint8 of rank 3 or anything of rank 4 and another size than H × W
 */
export function randomRotation(degrees: number, options: OutsideOptions = {}): Augmentation {
  check('randomRotation', 'degrees', degrees, nonNegative);
  const { outside } = checkOptions('randomRotation', options, outsideRules);
  const radians = (degrees * Math.PI) / 180;
  return geometric('randomRotation', ({ n, h, w }, scope) => {
    const [u] = drawn(scope, n, 1);
    const angle = add(mul(u!, 2 * radians), -radians);
    const [c, s] = [cos(angle), sin(angle)];
    // Rows point down: a pixel right of the middle comes from below it when the image turns counter-clockwise.
    return { map: aboutMiddle([c, s, neg(s), c], h, w), height: h, width: w, outside };
  });
}
