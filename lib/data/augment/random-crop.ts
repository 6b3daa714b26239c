import { ShapeError } from '../../errors.js';
import { add, floor, mul } from '../../ops/elementwise.js';
import { checkOptions, count, nonNegativeInteger } from '../../options.js';
import type { Augmentation } from './augmentation.js';
import { drawn } from './draw.js';
import { type OutsideOptions, geometric, outsideRules } from './geometric.js';

/** Options of {@link randomCrop}. */
export interface RandomCropOptions extends OutsideOptions {
  /** Zeros added around each image before it is cut. Default: 0. */
  readonly padding?: number | undefined;
  /** Rows of the piece. Default: H. */
  readonly height?: number | undefined;
  /** Columns of the piece. Default: W. */
  readonly width?: number | undefined;
}

/**
 * Cuts a piece out of each image, zeros added around it, anywhere it fits and equally likely. Where the piece is smaller than the
 * images, the model and its validation data have the size of the piece.
 *
 * y[i, j] = x[i + top − padding, j + left − padding].   x [N, H, W, C] → [N, height, width, C]
 * Targets for each pixel, y [N, H, W] or [N, H, W, C], move along: ids (int32, or bytes [N, H, W]) from the nearest pixel, `outside` from outside.
 *
 * @throws OptionError for options out of range, or for an `outside` that targets of pixels cannot hold; ShapeError if the piece is larger than the padded images or x is no [N, H, W, C], or y,
 *   not [N, 1, 1, ...], is int32 or uint8 of rank 3 or anything of rank 4 and another size than H × W
 */
export function randomCrop(options: RandomCropOptions): Augmentation {
  const checked = checkOptions('randomCrop', options, { ...outsideRules, padding: nonNegativeInteger, height: count, width: count });
  const { padding = 0, outside } = checked;
  return geometric('randomCrop', ({ n, h, w }, scope) => {
    const { height = h, width = w } = checked;
    const [rows, columns] = [h + 2 * padding - height, w + 2 * padding - width];
    if (rows < 0 || columns < 0) {
      throw new ShapeError(
        `randomCrop: expected height and width within ${h + 2 * padding} × ${w + 2 * padding}, the images with their padding, got ${height} × ${width}.`,
      );
    }
    const [v, u] = drawn(scope, n, 2);
    const top = add(floor(mul(v!, rows + 1)), -padding);
    const left = add(floor(mul(u!, columns + 1)), -padding);
    return { map: [1, 0, top, 0, 1, left], height, width, outside };
  });
}
