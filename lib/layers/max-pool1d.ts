import type { Tensor } from '../graph/tensor.js';
import { type Pool1dOptions, maxPool, pool1dRules, poolSequence } from '../ops/pool.js';
import { check, checkOptions, count } from '../options.js';
import { Layer } from './layer.js';
import { windowsLookAlong } from './looks-along.js';

/**
 * Takes the largest element under each window of a sequence, channel by channel; NaN wins.
 *
 * y[n, t, c] = max x[n, t·stride − padding + k, c], elements of the sequence only.
 * x [N, T, C] → y [N, OT, C], OT = ⌊(T + 2·padding − K) / stride⌋ + 1. No parameters.
 *
 * @throws OptionError for a kernel size that is no whole number ≥ 1 or wrong options; ShapeError if x is no [N, T, C], the padding
 * is more than half the kernel or no window fits
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool1d.html (there x is [N, C, T])
 */
export class MaxPool1d extends Layer {
  constructor(
    readonly kernelSize: number,
    readonly options: Pool1dOptions = {},
  ) {
    super();
    check('MaxPool1d', 'kernelSize', kernelSize, count);
    this.options = checkOptions('MaxPool1d', options, pool1dRules);
  }

  override looksAlongTime(): boolean {
    return windowsLookAlong(this.kernelSize, this.options);
  }

  forward(x: Tensor): Tensor {
    return poolSequence({ what: 'MaxPool1d', dimensions: 1 }, x, this.kernelSize, this.options, maxPool);
  }
}
