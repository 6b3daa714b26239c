import { ShapeError, formatShape } from '../errors.js';
import { type Shape, normalizeAxis, sizeOf } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { reshape } from '../ops/index.js';
import { checkOptions, integer } from '../options.js';
import { Layer } from './layer.js';

/** Options of {@link Flatten}. */
export interface FlattenOptions {
  /** First dimension to flatten, negative from the end. Default: 1. */
  readonly startDim?: number | undefined;
  /** Last dimension to flatten, negative from the end. Default: −1. */
  readonly endDim?: number | undefined;
}

/**
 * Makes one dimension of several, by default all but the batch.
 *
 * x [N, A, B, ...] → y [N, A · B · ...]; x [N] → y [N, 1]
 *
 * @throws OptionError if a dimension is no whole number; ShapeError if x has no such dimension or startDim comes after endDim
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Flatten.html
 */
export class Flatten extends Layer {
  readonly startDim: number;
  readonly endDim: number;

  constructor(options: FlattenOptions = {}) {
    super();
    const { startDim = 1, endDim = -1 } = checkOptions('Flatten', options, { startDim: integer, endDim: integer });
    this.startDim = startDim;
    this.endDim = endDim;
  }

  override looksAlongTime({ length: rank }: Shape): boolean {
    return (
      rank > 2 &&
      normalizeAxis('Flatten', this.startDim, rank, 'startDim') <= 1 &&
      normalizeAxis('Flatten', this.endDim, rank, 'endDim') > 1
    );
  }

  forward(x: Tensor): Tensor {
    if (x.rank === 0) throw new ShapeError('Flatten: expected x of rank ≥ 1 [N, ...], got []. Give it a batch dimension.');
    if (x.rank === 1 && this.startDim === 1) return reshape(x, [...x.shape, 1]);
    const start = normalizeAxis('Flatten', this.startDim, x.rank, 'startDim');
    const end = normalizeAxis('Flatten', this.endDim, x.rank, 'endDim');
    if (start > end) {
      throw new ShapeError(
        `Flatten: expected startDim before endDim, got ${this.startDim} and ${this.endDim} for x of shape ${formatShape(x.shape)}.`,
      );
    }
    return reshape(x, [...x.shape.slice(0, start), sizeOf(x.shape.slice(start, end + 1)), ...x.shape.slice(end + 1)]);
  }
}
