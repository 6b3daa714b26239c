import { ShapeError, formatShape } from '../errors.js';
import { iota } from '../graph/source.js';
import type { Tensor } from '../graph/tensor.js';
import { type Initializer, normal } from '../init.js';
import { add, cast, gatherRows, reshape, slice, sub } from '../ops/index.js';
import { within } from '../ops/within.js';
import { callable, check, checkOptions, count } from '../options.js';
import { Layer } from './layer.js';
import type { Scope } from './scope.js';

/** Options of {@link PositionEmbedding}. */
export interface PositionEmbeddingOptions {
  /** First values of the rows. Default: N(0, 0.02²). */
  readonly weightInit?: Initializer | undefined;
}

/**
 * Adds to each step of a sequence what is learned for its place: attention by itself does not know the order.
 *
 * y[n, t] = x[n, t] + W[t].   x [N, T, C] with T ≤ context → y [N, T, C];  parameter: weight W [context, C]. A stream counts its steps.
 *
 * @throws OptionError if context is no whole number ≥ 1; ShapeError if x is no [N, T, C] or longer than context; DataError if a stream is
 * @see Gehring et al. 2017, https://arxiv.org/abs/1705.03122; https://keras.io/keras_hub/api/modeling_layers/position_embedding
 */
export class PositionEmbedding extends Layer {
  constructor(
    readonly context: number,
    readonly options: PositionEmbeddingOptions = {},
  ) {
    super();
    check('PositionEmbedding', 'context', context, count);
    this.options = checkOptions('PositionEmbedding', options, { weightInit: callable });
  }

  forward(x: Tensor, scope: Scope): Tensor {
    const [n, t, c] = x.shape as [number, number, number];
    if (x.rank !== 3 || t > this.context)
      throw new ShapeError(
        `PositionEmbedding: expected x [N, T, C] of at most ${this.context} steps, got ${formatShape(x.shape)}. Cut the sequences, or give it a larger context.`,
      );
    const table = scope.parameter('weight', [this.context, c], this.options.weightInit ?? normal(0, 0.02));
    if (!scope.carries) return add(x, slice(table, [0, 0], [t, c]));
    const before = scope.state('steps', [n, 1]);
    const after = add(before, t);
    scope.keep(before, after);
    const steps = within('steps', reshape(after, [n]), 1, this.context, (count) => {
      return `expected at most ${this.context}, its context (reset() a stream before more, or give it a larger context), got ${count}`;
    });
    const places = add(reshape(sub(steps, t), [n, 1]), iota(t));
    return add(x, reshape(gatherRows(table, cast(places, 'int32')), [n, t, c]));
  }
}
