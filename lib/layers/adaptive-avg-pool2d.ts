import type { Tensor } from '../graph/tensor.js';
import { ShapeError, formatShape } from '../errors.js';
import { type Pair, both, pairOf } from '../ops/conv-options.js';
import { checkImages } from '../ops/conv-geometry.js';
import { avgPool } from '../ops/pool.js';
import { type Taps, resample } from '../ops/resample.js';
import { check, count } from '../options.js';
import { Layer } from './layer.js';

/**
 * Takes the mean of each channel over as many windows as are wanted, whatever the size of the image.
 *
 * Window i spans rows ⌊i·H / OH⌋ … ⌈(i + 1)·H / OH⌉ − 1, columns likewise.   x [N, H, W, C] → y [N, OH, OW, C]. No parameters. Where the
 * sizes do not divide, a pixel that is not finite gives NaN in the windows of its row and column.
 *
 * @throws OptionError for sizes that are no whole numbers ≥ 1; ShapeError if x is no [N, H, W, C] or has no pixels
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
 */
export class AdaptiveAvgPool2d extends Layer {
  /** @param outputSize rows and columns of the result */
  constructor(readonly outputSize: Pair) {
    super();
    this.outputSize = check('AdaptiveAvgPool2d', 'outputSize', outputSize, pairOf(count));
  }

  override looksAlongTime(): boolean {
    return true;
  }

  forward(x: Tensor): Tensor {
    const caller = { what: 'AdaptiveAvgPool2d', dimensions: 2 } as const;
    checkImages(caller, x.shape);
    const [, h, w] = x.shape as [number, number, number, number];
    const [oh, ow] = both(this.outputSize);
    if (h === 0 || w === 0) throw new ShapeError(`${caller.what}: expected x with pixels, got ${formatShape(x.shape)}.`);
    if (h % oh === 0 && w % ow === 0) return avgPool(caller, x, [h / oh, w / ow], {});
    return resample(x, means(h, oh), means(w, ow));
  }
}

function means(size: number, windows: number): readonly Taps[] {
  return Array.from({ length: windows }, (_, i) => {
    const begin = Math.floor((i * size) / windows);
    const length = Math.ceil(((i + 1) * size) / windows) - begin;
    return Array.from({ length }, (__, k) => [begin + k, 1 / length] as const);
  });
}
