import type { Tensor } from '../graph/tensor.js';
import { checkImages } from '../ops/conv-geometry.js';
import { check, fraction } from '../options.js';
import { dropped } from './dropped.js';
import { Layer } from './layer.js';
import type { Scope } from './scope.js';

/**
 * Zeroes whole channels of each image at random while training: neighbouring pixels are alike, so single ones would hide little.
 *
 * y[n, :, :, c] = u[n, c] ≥ p ? x[n, :, :, c] / (1 − p) : 0 with u uniform in [0, 1), new for every image, channel and step; y = x in
 * evaluation.   x [N, H, W, C] → y [N, H, W, C]
 *
 * @throws OptionError unless 0 ≤ p < 1; ShapeError if x is no [N, H, W, C]
 * @see Tompson et al. 2015, https://arxiv.org/abs/1411.4280; https://pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html
 */
export class Dropout2d extends Layer {
  /** @param p probability of a channel to be zeroed. Default: 0.5. */
  constructor(readonly p: number = 0.5) {
    super();
    check('Dropout2d', 'p', p, fraction);
  }

  forward(x: Tensor, scope: Scope): Tensor {
    checkImages({ what: 'Dropout2d', dimensions: 2 }, x.shape);
    const [n, , , c] = x.shape as [number, number, number, number];
    return dropped(x, this.p, scope, [n, 1, 1, c]);
  }
}
