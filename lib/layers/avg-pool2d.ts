import type { Tensor } from '../graph/tensor.js';
import { type Pair, pairOf } from '../ops/conv-options.js';
import { type AvgPoolOptions, avgPool, avgPoolRules } from '../ops/pool.js';
import { check, checkOptions, count } from '../options.js';
import { Layer } from './layer.js';
import { windowsLookAlong } from './looks-along.js';

/**
 * Takes the mean of the pixels under each window, channel by channel.
 *
 * y[n, i, j, c] = Σ x[n, i·stride − padding + kh, j·stride − padding + kw, c] / (KH · KW), 0 outside the image.
 * x [N, H, W, C] → y [N, OH, OW, C], OH = ⌊(H + 2·padding − KH) / stride⌋ + 1. No parameters.
 *
 * @throws OptionError for a kernel size that is no whole number ≥ 1 or wrong options; ShapeError if x is no [N, H, W, C], the padding
 * is more than half the kernel or no window fits
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
 */
export class AvgPool2d extends Layer {
  constructor(
    readonly kernelSize: Pair,
    readonly options: AvgPoolOptions = {},
  ) {
    super();
    this.kernelSize = check('AvgPool2d', 'kernelSize', kernelSize, pairOf(count));
    this.options = checkOptions('AvgPool2d', options, avgPoolRules);
  }

  override looksAlongTime(): boolean {
    return windowsLookAlong(this.kernelSize, this.options);
  }

  forward(x: Tensor): Tensor {
    return avgPool({ what: 'AvgPool2d', dimensions: 2 }, x, this.kernelSize, this.options);
  }
}
