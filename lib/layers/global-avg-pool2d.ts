import { ShapeError, formatShape } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { checkImages } from '../ops/conv-geometry.js';
import { cast, mean } from '../ops/index.js';
import { Layer } from './layer.js';

/**
 * Takes the mean of each channel over the whole image.
 *
 * y[n, c] = Σ x[n, i, j, c] / (H · W).   x [N, H, W, C] → y [N, C]. No parameters.
 *
 * @throws ShapeError if x is no [N, H, W, C] or has no pixels
 * @see Lin et al. 2013, https://arxiv.org/abs/1312.4400
 */
export class GlobalAvgPool2d extends Layer {
  override looksAlongTime(): boolean {
    return true;
  }

  forward(x: Tensor): Tensor {
    checkImages({ what: 'GlobalAvgPool2d', dimensions: 2 }, x.shape);
    if (x.shape[1] === 0 || x.shape[2] === 0) throw new ShapeError(`GlobalAvgPool2d: expected x with pixels, got ${formatShape(x.shape)}.`);
    return mean(cast(x, 'float32'), { axes: [1, 2] });
  }
}
