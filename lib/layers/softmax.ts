/** Probabilities along one dimension: Softmax and LogSoftmax. */
import { type Shape, normalizeAxis } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { logSoftmax, softmax } from '../ops/index.js';
import { checkOptions, integer } from '../options.js';
import { Layer } from './layer.js';

/** Options of {@link Softmax} and {@link LogSoftmax}. */
export interface SoftmaxOptions {
  /** Dimension that sums to 1, negative from the end. Default: −1. */
  readonly dim?: number | undefined;
}

/**
 * Turns scores into probabilities.
 *
 * y = eˣ / Σ eˣ, the sum along `dim`.   x [..., C] → y [..., C]
 *
 * @throws OptionError if dim is no whole number; ShapeError if x has no such dimension
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softmax.html
 */
export class Softmax extends Layer {
  readonly dim: number;

  constructor(options: SoftmaxOptions = {}) {
    super();
    this.dim = checkOptions('Softmax', options, { dim: integer }).dim ?? -1;
  }

  override looksAlongTime({ length: rank }: Shape): boolean {
    return rank > 2 && normalizeAxis('Softmax', this.dim, rank, 'dim') === 1;
  }

  forward(x: Tensor): Tensor {
    return softmax(x, { axes: normalizeAxis('Softmax', this.dim, x.rank, 'dim') });
  }
}

/**
 * Turns scores into logarithms of probabilities.
 *
 * y = x − ln Σ eˣ, the sum along `dim`.   x [..., C] → y [..., C]
 *
 * @throws OptionError if dim is no whole number; ShapeError if x has no such dimension
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
 */
export class LogSoftmax extends Layer {
  readonly dim: number;

  constructor(options: SoftmaxOptions = {}) {
    super();
    this.dim = checkOptions('LogSoftmax', options, { dim: integer }).dim ?? -1;
  }

  override looksAlongTime({ length: rank }: Shape): boolean {
    return rank > 2 && normalizeAxis('LogSoftmax', this.dim, rank, 'dim') === 1;
  }

  forward(x: Tensor): Tensor {
    return logSoftmax(x, { axes: normalizeAxis('LogSoftmax', this.dim, x.rank, 'dim') });
  }
}
