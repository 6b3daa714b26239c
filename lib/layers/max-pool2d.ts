import type { Tensor } from '../graph/tensor.js';
import { type Pair, pairOf } from '../ops/conv-options.js';
import { type PoolOptions, poolRules } from '../ops/pool-geometry.js';
import { maxPool } from '../ops/pool.js';
import { check, checkOptions, count } from '../options.js';
import { Layer } from './layer.js';
import { windowsLookAlong } from './looks-along.js';

/**
 * Takes the largest pixel under each window, channel by channel; NaN wins.
 *
 * y[n, i, j, c] = max x[n, i·stride − padding + kh, j·stride − padding + kw, c], pixels of the image only.
 * x [N, H, W, C] → y [N, OH, OW, C], OH = ⌊(H + 2·padding − KH) / stride⌋ + 1. No parameters.
 *
 * @throws OptionError for a kernel size that is no whole number ≥ 1 or wrong options; ShapeError if x is no [N, H, W, C], the padding
 * is more than half the kernel or no window fits
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
 */
export class MaxPool2d extends Layer {
  constructor(
    readonly kernelSize: Pair,
    readonly options: PoolOptions = {},
  ) {
    super();
    this.kernelSize = check('MaxPool2d', 'kernelSize', kernelSize, pairOf(count));
    this.options = checkOptions('MaxPool2d', options, poolRules);
  }

  override looksAlongTime(): boolean {
    return windowsLookAlong(this.kernelSize, this.options);
  }

  forward(x: Tensor): Tensor {
    return maxPool({ what: 'MaxPool2d', dimensions: 2 }, x, this.kernelSize, this.options);
  }
}
