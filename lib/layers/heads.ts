/** What layers of attention share. */
import { ShapeError, formatShape } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { type Initializer, zeros } from '../init.js';
import { attentionWeights } from '../ops/attention.js';
import { add, cast, matmul, reshape, transpose } from '../ops/index.js';
import { type Rules, boolean, fraction } from '../options.js';
import { dropped } from './dropped.js';
import { lengthsOf, stepsWithin } from './lengths.js';
import type { Scope } from './scope.js';

/** Options that all layers of attention share. */
export interface AttentionLayerOptions {
  /** Share of the weights of attention that are zeroed while training. Default: 0. */
  readonly dropout?: number | undefined;
  /** Add offsets. Default: true. */
  readonly bias?: boolean | undefined;
}

export const attentionRules: Rules<AttentionLayerOptions> = { dropout: fraction, bias: boolean };

/** What queries look at: k and v [N, S, C]. */
export interface Keys {
  readonly k: Tensor;
  readonly v: Tensor;
  /** Query t looks at keys 0 … t only. */
  readonly causal: boolean;
  /** 0 where a key is not looked at: broadcast to [N, heads, T, S]. */
  readonly mask: Tensor | undefined;
}

/** of [N, T, I] · weight [I, width] + bias [width] → [N, T, width]; the names are those of the parameters. */
export function projected(
  of: Tensor,
  width: number,
  [weightName, biasName]: readonly [weight: string, bias: string],
  { init, bias = true }: { readonly init: Initializer; readonly bias: boolean | undefined },
  scope: Scope,
): Tensor {
  const y = matmul(cast(of, 'float32'), scope.parameter(weightName, [of.shape.at(-1)!, width], init));
  return bias ? add(y, scope.parameter(biasName, [width], zeros())) : y;
}

/** q [N, T, C] → [N, T, C]: what each head, C/heads of the features, takes from the keys. */
export function attend(q: Tensor, { k, v, causal, mask }: Keys, heads: number, dropout: number, scope: Scope): Tensor {
  const [n, t, c] = q.shape as [number, number, number];
  const head = (of: Tensor): Tensor => transpose(reshape(of, [n, -1, heads, c / heads]), [0, 2, 1, 3]);
  const weights = dropped(attentionWeights(head(q), head(k), { causal, mask }), dropout, scope);
  return reshape(transpose(matmul(weights, head(v)), [0, 2, 1, 3]), [n, t, c]);
}

/** The mask [N, 1, 1, S] of steps that count, of lengths int32 [N] in 1 … S. */
export function lengthMask(what: string, lengths: Tensor, n: number, s: number, scope: Scope): Tensor {
  return reshape(stepsWithin(lengthsOf(what, lengths, n, s, scope), s), [n, 1, 1, s]);
}

/** @throws ShapeError unless each head gets as many of the features of x */
export function checkHeads(what: string, { shape }: Tensor, heads: number): void {
  if (shape[2]! % heads === 0) return;
  throw new ShapeError(
    `${what}: expected features that ${heads} heads divide, got ${shape[2]} in x ${formatShape(shape)}. Change heads or the layer before.`,
  );
}
