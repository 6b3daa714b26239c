import { DTypeError, OptionError } from '../errors.js';
import { checkTensor } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import { type Initializer, normal } from '../init.js';
import { customGradient, equal, gatherRows, reshape, where } from '../ops/index.js';
import { boolean, callable, check, checkOptions, count, nonNegativeInteger } from '../options.js';
import { Layer } from './layer.js';
import type { Scope } from './scope.js';

/** Options of {@link Embedding}. */
export interface EmbeddingOptions {
  /** A row that starts at zero and gets no gradient. Default: none. */
  readonly paddingIndex?: number | undefined;
  /**
   * Update only the rows a batch has ids of. An optimizer with state or weight decay moves the others too, as long as their momentum
   * lasts; with this they and their state wait, so that a step costs as much as its batch, not as the table. The bias corrections of
   * Adam still count all steps. Plain SGD and Adagrad without decay do so by themselves: there it makes no difference. A penalty on the
   * weights, `l1` or `l2`, or another use of the table as a whole gives every row a gradient, if only one of 0: with it all rows are updated. Default: false.
   */
  readonly sparse?: boolean | undefined;
  /** First values of the rows. Default: N(0, 1). */
  readonly weightInit?: Initializer | undefined;
}

/**
 * Looks up a row of a table for each id.
 *
 * y[...] = W[ids[...]].   ids [...] int32 → y [..., D];  parameter: weight W [V, D].
 *
 * @throws OptionError if numEmbeddings or embeddingDim is no whole number ≥ 1 or an option is wrong; DTypeError if ids are not int32;
 *   DataError, when it runs, for an id outside 0 … V − 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html and, for sparse, torch.optim.SparseAdam
 */
export class Embedding extends Layer {
  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    readonly options: EmbeddingOptions = {},
  ) {
    super();
    check('Embedding', 'numEmbeddings', numEmbeddings, count);
    check('Embedding', 'embeddingDim', embeddingDim, count);
    this.options = checkOptions('Embedding', options, { paddingIndex: nonNegativeInteger, sparse: boolean, weightInit: callable });
    const { paddingIndex = 0 } = this.options;
    if (paddingIndex >= numEmbeddings)
      throw new OptionError(`Embedding: expected paddingIndex below numEmbeddings ${numEmbeddings}, got ${paddingIndex}.`);
  }

  forward(ids: Tensor, scope: Scope): Tensor {
    return this.apply(ids, scope).y;
  }

  /**
   * The rows y [..., D] and the table they are of, weight [V, D], for an output layer that shares it. Its gradient is then the sum of both uses: all rows are
   * updated, with `sparse` too, and with `paddingIndex` the row of zeros by its use as an output.
   * ```ts
   * const { y, weight } = scope.enter('words', this.words, (inner) => this.words.apply(ids, inner));
   * return matmul(scope.call('body', this.body, y), weight, { transposeB: true }); // [N, T, V]
   * ```
   */
  apply(ids: Tensor, scope: Scope): { readonly y: Tensor; readonly weight: Tensor } {
    checkTensor('Embedding', ids, 'ids');
    if (ids.dtype !== 'int32')
      throw new DTypeError(`Embedding: expected int32 ids, got ${ids.dtype}. Give them as an Int32Array: bytes are taken for numbers.`);
    scope.expect(ids, 0, this.numEmbeddings - 1);
    const { paddingIndex, sparse = false, weightInit = normal() } = this.options;
    const init = paddingIndex === undefined ? weightInit : withZeroRow(weightInit, paddingIndex);
    const weight = scope.parameter('weight', [this.numEmbeddings, this.embeddingDim], init, { lazy: sparse });
    const rows = gatherRows(weight, ids);
    if (paddingIndex === undefined) return { y: rows, weight };
    const isPadding = equal(reshape(ids, [...ids.shape, 1]), paddingIndex);
    return { y: customGradient(rows, [rows], (dy) => [where(isPadding, 0, dy)]), weight };
  }
}

function withZeroRow(init: Initializer, row: number): Initializer {
  return (shape, random) => {
    const values = init(shape, random);
    const columns = shape.at(-1)!;
    return values.fill(0, row * columns, (row + 1) * columns);
  };
}
