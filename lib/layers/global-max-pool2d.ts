import { ShapeError, formatShape } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { checkImages } from '../ops/conv-geometry.js';
import { cast, max } from '../ops/index.js';
import { Layer } from './layer.js';

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
    checkImages({ what: 'GlobalMaxPool2d', dimensions: 2 }, x.shape);
    if (x.shape[1] === 0 || x.shape[2] === 0) throw new ShapeError(`GlobalMaxPool2d: expected x with pixels, got ${formatShape(x.shape)}.`);
    return max(cast(x, 'float32'), { axes: [1, 2] });
  }
}
