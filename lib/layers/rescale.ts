import type { Tensor } from '../graph/tensor.js';
import { add, cast, mul } from '../ops/index.js';
import { check, finite } from '../options.js';
import { Layer } from './layer.js';

/**
 * Brings raw data, such as bytes of pixels, to a scale that trains well.
 *
 * y = x · scale + offset.   x [...], any element type → y [...] float32
 *
 * @throws OptionError if scale or offset is not finite
 * @see https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/
 */
export class Rescale extends Layer {
  /**
   * @param scale `1 / 255` brings bytes to 0 … 1
   * @param offset added after that. Default: 0.
   */
  constructor(
    readonly scale: number,
    readonly offset: number = 0,
  ) {
    super();
    check('Rescale', 'scale', scale, finite);
    check('Rescale', 'offset', offset, finite);
  }

  forward(x: Tensor): Tensor {
    const y = mul(cast(x, 'float32'), this.scale);
    return this.offset === 0 ? y : add(y, this.offset);
  }
}
