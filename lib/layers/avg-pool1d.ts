import type { Tensor } from '../graph/tensor.js';
import { type Pool1dOptions, avgPool, pool1dRules, poolSequence } from '../ops/pool.js';
import { boolean, check, checkOptions, count } from '../options.js';
import { Layer } from './layer.js';
import { windowsLookAlong } from './looks-along.js';

/** Options of {@link AvgPool1d}. */
export interface AvgPool1dOptions extends Pool1dOptions {
  /** Divide by the whole window where it meets padding, not only by its elements in the sequence. Default: true. */
  readonly countPadding?: boolean | undefined;
}

/**
 * Takes the mean of the elements under each window of a sequence, channel by channel.
 *
 * y[n, t, c] = Σ x[n, t·stride − padding + k, c] / K, 0 outside the sequence.
 * x [N, T, C] → y [N, OT, C], OT = ⌊(T + 2·padding − K) / stride⌋ + 1. No parameters.
 *
 * @throws OptionError for a kernel size that is no whole number ≥ 1 or wrong options; ShapeError if x is no [N, T, C], the padding
 * is more than half the kernel or no window fits
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool1d.html (there x is [N, C, T])
 */
export class AvgPool1d extends Layer {
  constructor(
    readonly kernelSize: number,
    readonly options: AvgPool1dOptions = {},
  ) {
    super();
    check('AvgPool1d', 'kernelSize', kernelSize, count);
    this.options = checkOptions('AvgPool1d', options, { ...pool1dRules, countPadding: boolean });
  }

  override looksAlongTime(): boolean {
    return windowsLookAlong(this.kernelSize, this.options);
  }

  forward(x: Tensor): Tensor {
    return poolSequence({ what: 'AvgPool1d', dimensions: 1 }, x, this.kernelSize, this.options, avgPool);
  }
}
