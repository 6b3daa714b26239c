import { OptionError, StateError } from '../errors.js';
import { iota } from '../graph/source.js';
import type { Tensor } from '../graph/tensor.js';
import { xavierUniform } from '../init.js';
import { add, greaterEqual, lessEqual, minimum, mul, reshape, split, sub } from '../ops/index.js';
import { boolean, check, checkOptions, count, show } from '../options.js';
import { defaultWeight } from './default-init.js';
import { type AttentionLayerOptions, type Keys, attend, attentionRules, checkHeads, lengthMask, projected } from './heads.js';
import { Layer } from './layer.js';
import { withPast } from './past.js';
import { type SequenceInputs, checkSequence, sequenceArguments } from './sequence-inputs.js';
import type { Scope } from './scope.js';

/** Options of {@link MultiHeadAttention}. */
export interface MultiHeadAttentionOptions extends AttentionLayerOptions {
  /** Each step looks at itself and at those before it only. Default: false. */
  readonly causal?: boolean | undefined;
  /** Steps that each step looks back on, itself included, in predict, fit and streams alike; with causal. Default: all, and no stream. */
  readonly context?: number | undefined;
}

/**
 * Lets each step of a sequence take from all steps what it asks for, several times side by side.
 *
 * q, k, v = x · W + b cut in three; y = [softmax(q_h · k_hᵀ / √(C/heads)) · v_h for each head h] · W_o + b_o.
 * x [N, T, C], and where rows differ lengths int32 [N] → y [N, T, C]; what lies beyond a length is not looked at, but must hold numbers, and y
 * there is arbitrary, with `context` too: leave it out of what follows.
 * Parameters: weight W [C, 3·C], bias [3·C], outWeight W_o [C, C], outBias [C]. With `causal` step t looks at steps 0 … t, with `context` at the last
 * `context` of these alone (a sliding window), whose keys and values a stream keeps.
 *
 * @throws OptionError for wrong options; ShapeError if x is no [N, T, C] or heads do not divide C; DataError while running if a length is
 *   not in 1 … T
 * @see Vaswani et al. 2017, https://arxiv.org/abs/1706.03762; https://pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
 */
export class MultiHeadAttention extends Layer<SequenceInputs> {
  constructor(
    readonly heads: number,
    readonly options: MultiHeadAttentionOptions = {},
  ) {
    super();
    check('MultiHeadAttention', 'heads', heads, count);
    this.options = checkOptions('MultiHeadAttention', options, { ...attentionRules, causal: boolean, context: count });
    const { causal, context } = this.options;
    if (context !== undefined && causal !== true) {
      throw new OptionError(
        `MultiHeadAttention: expected causal: true with context, got ${show(causal)}. A stream cannot look ahead: give it, or leave context out.`,
      );
    }
  }

  forward(...args: [...SequenceInputs, Scope]): Tensor {
    const { x, lengths, scope } = sequenceArguments('MultiHeadAttention', args);
    checkSequence('MultiHeadAttention', x);
    checkHeads('MultiHeadAttention', x, this.heads);
    const c = x.shape[2]!;
    const { bias, dropout = 0 } = this.options;
    const [q, k, v] = split(projected(x, 3 * c, ['weight', 'bias'], { init: xavierUniform(), bias }, scope), [c, c, c], 2);
    const y = attend(q!, this.#keys(k!, v!, lengths, scope), this.heads, dropout, scope);
    return projected(y, c, ['outWeight', 'outBias'], { init: defaultWeight(), bias }, scope);
  }

  #keys(k: Tensor, v: Tensor, lengths: Tensor | undefined, scope: Scope): Keys {
    const { causal = false, context = Infinity } = this.options;
    const [n, t] = k.shape as [number, number, number];
    if (scope.carries) {
      if (lengths === undefined) return this.#past(k, v, scope);
      throw new StateError(
        'MultiHeadAttention: expected no lengths where states go on from step to step, got some. Use rows of one length there.',
      );
    }
    const known = lengths && lengthMask('MultiHeadAttention', lengths, n, t, scope);
    const near = context < t ? greaterEqual(add(iota(t), context - 1), reshape(iota(t), [t, 1])) : undefined;
    return { k, v, causal, mask: known && near ? mul(known, near) : (known ?? near) };
  }

  /** The steps that were before these, and these. */
  #past(k: Tensor, v: Tensor, scope: Scope): Keys {
    const { causal = false, context } = this.options;
    if (context === undefined) {
      throw new StateError(
        `MultiHeadAttention: expected { causal: true, context } where states go on from step to step, got ${causal ? 'no context' : 'no causal'}. A stream looks back on the last \`context\` steps, and cannot look ahead.`,
      );
    }
    const [n, t] = k.shape as [number, number, number];
    const before = scope.state('steps', [n]);
    scope.keep(before, minimum(add(before, t), context));
    // Key j lies at step j − context, query i at step i: what was before the beginning, or is more than `context` steps back, is not looked at.
    const [at, to] = [iota(context + t), reshape(iota(t), [t, 1])];
    const known = greaterEqual(at, reshape(sub(context, before), [n, 1, 1, 1]));
    const near = mul(greaterEqual(at, add(to, 1)), lessEqual(at, add(to, context)));
    const past = { k: withPast('keys', k, context, scope), v: withPast('values', v, context, scope) };
    return { ...past, causal: false, mask: mul(known, near) };
  }
}
