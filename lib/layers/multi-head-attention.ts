import { ShapeError, StateError, formatShape } from '../errors.js';
import { iota } from '../graph/source.js';
import type { Tensor } from '../graph/tensor.js';
import { kaimingUniform, xavierUniform, zeros } from '../init.js';
import { attentionWeights } from '../ops/attention.js';
import { add, concat, greaterEqual, less, lessEqual, matmul, minimum, mul, reshape, slice, split, sub, transpose } from '../ops/index.js';
import { checkedLengths } from '../ops/lengths.js';
import { boolean, check, checkOptions, count, fraction } from '../options.js';
import { Dropout } from './dropout.js';
import { Layer } from './layer.js';
import { type SequenceInputs, checkSequence, sequenceArguments } from './recurrent.js';
import type { Scope } from './scope.js';

/** Options of {@link MultiHeadAttention}. */
export interface MultiHeadAttentionOptions {
  /** Each step looks at itself and at those before it only. Default: false. */
  readonly causal?: boolean | undefined;
  /** Share of the weights of attention that are zeroed while training. Default: 0. */
  readonly dropout?: number | undefined;
  /** Add offsets. Default: true. */
  readonly bias?: boolean | undefined;
  /** Steps that a stream looks back on, itself included; with causal. Default: no stream. */
  readonly context?: number | undefined;
}

/** What a query looks at. */
interface Keys {
  readonly k: Tensor;
  readonly v: Tensor;
  readonly causal: boolean;
  readonly mask: Tensor | undefined;
}

/**
 * Lets each step of a sequence take from all steps what it asks for, several times side by side.
 *
 * q, k, v = x · W + b cut in three; y = [softmax(q_h · k_hᵀ / √(C/heads)) · v_h for each head h] · W_o + b_o.
 * x [N, T, C], and where rows differ lengths int32 [N] → y [N, T, C]; what lies beyond a length is not looked at, but must hold numbers.
 * Parameters: weight W [C, 3·C], bias [3·C], outWeight W_o [C, C], outBias [C]. In a stream the keys and values of the last `context` steps are kept.
 *
 * @throws OptionError for wrong options; ShapeError if x is no [N, T, C] or heads do not divide C; DataError while running if a length is
 *   not in 1 … T
 * @see Vaswani et al. 2017, https://arxiv.org/abs/1706.03762; https://pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
 */
export class MultiHeadAttention extends Layer<SequenceInputs> {
  readonly #dropout: Dropout;

  constructor(
    readonly heads: number,
    readonly options: MultiHeadAttentionOptions = {},
  ) {
    super();
    check('MultiHeadAttention', 'heads', heads, count);
    checkOptions('MultiHeadAttention', options, { causal: boolean, dropout: fraction, bias: boolean, context: count });
    this.#dropout = new Dropout(options.dropout ?? 0);
  }

  forward(...args: [...SequenceInputs, Scope]): Tensor {
    const { x, lengths, scope } = sequenceArguments('MultiHeadAttention', args);
    const [n, t] = checkSequence('MultiHeadAttention', x);
    const c = x.shape[2]!;
    if (c % this.heads !== 0) {
      throw new ShapeError(
        `MultiHeadAttention: expected features that ${this.heads} heads divide, got ${c} in x ${formatShape(x.shape)}. Change heads or the layer before.`,
      );
    }
    const { bias = true } = this.options;
    const linear = (of: Tensor, weight: Tensor, name: string): Tensor =>
      bias ? add(matmul(of, weight), scope.parameter(name, [weight.shape[1]!], zeros())) : matmul(of, weight);
    const [q, k, v] = split(linear(x, scope.parameter('weight', [c, 3 * c], xavierUniform()), 'bias'), [c, c, c], 2);
    const keys = this.#keys(k!, v!, lengths, scope);
    const head = (of: Tensor): Tensor => transpose(reshape(of, [n, -1, this.heads, c / this.heads]), [0, 2, 1, 3]);
    const weights = this.#dropout.forward(attentionWeights(head(q!), head(keys.k), options(keys)), scope);
    const y = reshape(transpose(matmul(weights, head(keys.v)), [0, 2, 1, 3]), [n, t, c]);
    return linear(y, scope.parameter('outWeight', [c, c], kaimingUniform({ a: Math.sqrt(5) })), 'outBias');
  }

  #keys(k: Tensor, v: Tensor, lengths: Tensor | undefined, scope: Scope): Keys {
    const { causal = false } = this.options;
    const [n, t] = k.shape as [number, number, number];
    if (scope.carries) {
      if (lengths === undefined) return this.#past(k, v, scope);
      throw new StateError(
        'MultiHeadAttention: expected no lengths where states go on from step to step, got some. Use rows of one length there.',
      );
    }
    if (lengths === undefined) return { k, v, causal, mask: undefined };
    scope.expect(lengths, 1, t);
    const mask = less(iota(t), reshape(checkedLengths('MultiHeadAttention', lengths, n, t), [n, 1, 1, 1]));
    return { k, v, causal, mask };
  }

  /** The steps that were before these, and these. */
  #past(k: Tensor, v: Tensor, scope: Scope): Keys {
    const { causal = false, context } = this.options;
    if (!causal || context === undefined) {
      throw new StateError(
        `MultiHeadAttention: expected { causal: true, context } where states go on from step to step, got ${causal ? 'no context' : 'no causal'}. A stream looks back on the last \`context\` steps, and cannot look ahead.`,
      );
    }
    const [n, t, c] = k.shape as [number, number, number];
    const before = scope.state('steps', [n]);
    scope.keep(before, minimum(add(before, t), context));
    const whole = (name: string, now: Tensor): Tensor => {
      const past = scope.state(name, [n, context, c]);
      const all = concat([past, now], 1);
      scope.keep(past, slice(all, [0, t, 0], [n, context, c]));
      return all;
    };
    // Key j lies at step j − context, query i at step i: what was before the beginning, or is more than `context` steps back, is not looked at.
    const [at, to] = [iota(context + t), reshape(iota(t), [t, 1])];
    const known = greaterEqual(at, reshape(sub(context, before), [n, 1, 1, 1]));
    const near = mul(greaterEqual(at, add(to, 1)), lessEqual(at, add(to, context)));
    return { k: whole('keys', k), v: whole('values', v), causal: false, mask: mul(known, near) };
  }
}

function options({ causal, mask }: Keys): { readonly causal: boolean; readonly mask?: Tensor | undefined } {
  return mask === undefined ? { causal } : { causal, mask };
}
