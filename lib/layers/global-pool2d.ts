/** Pooling over whole images. */
import { ShapeError, formatShape } from '../errors.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { checkImages } from '../ops/conv-geometry.js';
import { cast, max, mean } from '../ops/index.js';
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
    checkPixels('GlobalAvgPool2d', x.shape);
    return mean(cast(x, 'float32'), { axes: [1, 2] });
  }
}

/**
 * Takes the largest value of each channel over the whole image. Equal ones share the gradient; NaN wins.
 *
 * y[n, c] = max x[n, i, j, c] over i, j.   x [N, H, W, C] → y [N, C]. No parameters.
 *
 * @throws ShapeError if x is no [N, H, W, C] or has no pixels
 * @see https://keras.io/api/layers/pooling_layers/global_max_pooling2d/
 */
export class GlobalMaxPool2d extends Layer {
  override looksAlongTime(): boolean {
    return true;
  }

  forward(x: Tensor): Tensor {
    checkPixels('GlobalMaxPool2d', x.shape);
    return max(cast(x, 'float32'), { axes: [1, 2] });
  }
}

function checkPixels(what: string, shape: Shape): void {
  checkImages({ what, dimensions: 2 }, shape);
  if (shape[1] === 0 || shape[2] === 0) throw new ShapeError(`${what}: expected x with pixels, got ${formatShape(shape)}.`);
}
