/** Probabilities along one dimension: Softmax and LogSoftmax. */
import { ShapeError, formatShape } from '../errors.js';
import { type Shape, normalizeAxis } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { logSoftmax, softmax } from '../ops/index.js';
import { checkOptions, integer } from '../options.js';
import { Layer } from './layer.js';
import { checkRows } from './rows.js';

/** Options of {@link Softmax} and {@link LogSoftmax}. */
export interface SoftmaxOptions {
  /** Dimension that sums to 1, negative from the end; not the first, which counts rows. Default: −1. */
  readonly dim?: number | undefined;
}

/**
 * Turns scores into probabilities.
 *
 * y = eˣ / Σ eˣ, the sum along `dim`.   x [N, ..., C] → y [N, ..., C]
 *
 * @throws OptionError if dim is no whole number; ShapeError if x has rank < 2 or no such dimension, or it is the first
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
    return softmax(x, { axes: axisOf('Softmax', this.dim, x) });
  }
}

/**
 * Turns scores into logarithms of probabilities.
 *
 * y = x − ln Σ eˣ, the sum along `dim`.   x [N, ..., C] → y [N, ..., C]
 *
 * @throws OptionError if dim is no whole number; ShapeError if x has rank < 2 or no such dimension, or it is the first
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
    return logSoftmax(x, { axes: axisOf('LogSoftmax', this.dim, x) });
  }
}

/** @throws ShapeError unless the dimension is one of each row */
function axisOf(layer: string, dim: number, x: Tensor): number {
  checkRows(layer, x, 'C');
  const axis = normalizeAxis(layer, dim, x.rank, 'dim');
  if (axis > 0) return axis;
  throw new ShapeError(
    `${layer}: expected dim in 1 … ${x.rank - 1}, as the first dimension counts rows, got ${dim} for x ${formatShape(x.shape)}. Transpose x; the functions softmax and logSoftmax take any dimension.`,
  );
}
