import type { Tensor } from '../graph/tensor.js';
import { type NormalizeOptions, channelStatistics, normalized } from '../ops/normalize.js';
import { Layer } from './layer.js';

/**
 * Brings each channel to mean 0 and deviation 1 by statistics given once, in training, evaluation and prediction alike. Nothing is
 * learned; bytes are accepted.
 *
 * y = (x − mean) / std, with 1 for a std of 0.   x [..., C] → y [..., C] float32, computed in float32
 *
 * Of a {@link Standardizer} of rows [N, C]: `new Normalize({ mean: standardizer.mean, std: standardizer.deviation })`, so that the model takes data as they are.
 *
 * @throws OptionError unless mean and std are lists of one length and std ≥ 0; ShapeError if C is another
 * @see https://pytorch.org/vision/stable/generated/torchvision.transforms.Normalize.html
 */
export class Normalize extends Layer {
  readonly mean: readonly number[];
  readonly std: readonly number[];

  constructor(options: NormalizeOptions) {
    super();
    ({ mean: this.mean, std: this.std } = channelStatistics('Normalize', options));
  }

  forward(x: Tensor): Tensor {
    return normalized('Normalize', x, this);
  }
}
