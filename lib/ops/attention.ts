/** Attention as a composition: two products and a softmax. */
import { ShapeError, formatShape } from '../errors.js';
import { largestFloat } from '../floats.js';
import { iota } from '../graph/source.js';
import { broadcastShapes } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { boolean, checkOptions } from '../options.js';
import { checkTensors, tensor } from './arguments.js';
import { greaterEqual, mul, where } from './elementwise.js';
import { matmul } from './matmul.js';
import { reshape } from './shape.js';
import { softmax } from './rows.js';

/** Options of {@link scaledDotProductAttention}. */
export interface AttentionOptions {
  /** Query t looks at keys 0 … t only. Default: false. */
  readonly causal?: boolean | undefined;
  /** Of any type, broadcast to [..., T, S]: where it is 0, the query does not look at the key (not PyTorch's mask of 0 and −∞, which is added). Each query must have a key left. Default: none. */
  readonly mask?: Tensor | undefined;
}

const what = 'scaledDotProductAttention';

/** Its share is exactly 0 beside any other, and nothing becomes infinite. */
const unseen = -largestFloat;

/**
 * softmax(q · kᵀ / √D) · v for each query: q [..., T, D], k [..., S, D], v [..., S, E] → [..., T, E]; leading sizes broadcast.
 * @throws ShapeError if they do not fit; OptionError for wrong options
 * @see Vaswani et al. 2017, https://arxiv.org/abs/1706.03762
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  checkTensors(what, { q, k, v });
  const weights = attentionWeights(q, k, options);
  if (v.rank < 2 || v.shape.at(-2) !== k.shape.at(-2))
    throw new ShapeError(
      `${what}: expected keys [..., S, D] and values [..., S, E], got ${formatShape(k.shape)} and ${formatShape(v.shape)}. Give a value for each key.`,
    );
  broadcastShapes(`${what}: leading sizes`, ...[q, k, v].map(({ shape }) => shape.slice(0, -2)));
  return matmul(weights, v);
}

/** How much each query takes of each key [..., T, S]: rows that sum to 1. */
export function attentionWeights(q: Tensor, k: Tensor, options: AttentionOptions): Tensor {
  checkOptions(what, options, { causal: boolean, mask: tensor });
  if (q.rank < 2 || k.rank < 2 || q.shape.at(-1) !== k.shape.at(-1))
    throw new ShapeError(
      `${what}: expected queries [..., T, D] and keys [..., S, D], got ${formatShape(q.shape)} and ${formatShape(k.shape)}.`,
    );
  broadcastShapes(`${what}: leading sizes`, q.shape.slice(0, -2), k.shape.slice(0, -2));
  const [t, s] = [q.shape.at(-2)!, k.shape.at(-2)!];
  let scores = mul(matmul(q, k, { transposeB: true }), 1 / Math.sqrt(q.shape.at(-1)!));
  if (options.causal === true) scores = where(greaterEqual(reshape(iota(t), [t, 1]), iota(s)), scores, unseen);
  if (options.mask !== undefined) {
    broadcastShapes(`${what}: scores [..., T, S] and mask`, scores.shape, options.mask.shape);
    scores = where(options.mask, scores, unseen);
  }
  return softmax(scores);
}
