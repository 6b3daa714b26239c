/** Probabilities along one dimension: Softmax and LogSoftmax. */
import { type Shape, normalizeAxis } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { logSoftmax, softmax, transpose } from '../ops/index.js';
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
    return alongLast(x, normalizeAxis('Softmax', this.dim, x.rank, 'dim'), softmax);
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
    return alongLast(x, normalizeAxis('LogSoftmax', this.dim, x.rank, 'dim'), logSoftmax);
  }
}

/** Applies a function of the last dimension to another one, by exchanging the two before and after. */
function alongLast(x: Tensor, axis: number, apply: (x: Tensor) => Tensor): Tensor {
  const order = Array.from({ length: x.rank }, (_, i) => (i === axis ? x.rank - 1 : i === x.rank - 1 ? axis : i));
  return transpose(apply(transpose(x, order)), order);
}
