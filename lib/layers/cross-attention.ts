import { ShapeError, formatShape } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { xavierUniform } from '../init.js';
import { check, checkOptions, count } from '../options.js';
import { defaultWeight } from './default-init.js';
import { type AttentionLayerOptions, attend, attentionRules, checkHeads, lengthMask, projected } from './heads.js';
import { checkInputCount } from './input-count.js';
import { Layer } from './layer.js';
import { checkSequence } from './sequence-inputs.js';
import type { Scope } from './scope.js';

/** The inputs of {@link CrossAttention}: x [N, T, C], what it looks at [N, S, M], and the lengths int32 [N] of that where rows differ. */
export type CrossAttentionInputs = [x: Tensor, memory: Tensor] | [x: Tensor, memory: Tensor, lengths: Tensor];

/** Options of {@link CrossAttention}. */
export type CrossAttentionOptions = AttentionLayerOptions;

/**
 * Lets each step of a sequence take from the steps of another what it asks for, several times side by side: a decoder from its encoder, words from an image.
 *
 * q = x · W_q + b_q, k = memory · W_k + b_k, v = memory · W_v + b_v; y = [softmax(q_h · k_hᵀ / √(C/heads)) · v_h for each head h] · W_o + b_o.
 * x [N, T, C], memory [N, S, M], and where its rows differ lengths int32 [N] → y [N, T, C]; what lies beyond a length is not looked at, but
 * must hold numbers. Parameters: queryWeight W_q [C, C], keyWeight W_k and valueWeight W_v [M, C], outWeight W_o [C, C]; queryBias, keyBias,
 * valueBias, outBias [C]. Nothing is kept from step to step: where states go on, each piece of x comes with the whole memory.
 *
 * @throws OptionError for wrong options; ShapeError if x is no [N, T, C], memory no [N, S, M], or heads do not divide C; DataError while running
 *   if a length is not in 1 … S
 * @see Vaswani et al. 2017, https://arxiv.org/abs/1706.03762; https://pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html (kdim, vdim)
 */
export class CrossAttention extends Layer<CrossAttentionInputs> {
  constructor(
    readonly heads: number,
    readonly options: CrossAttentionOptions = {},
  ) {
    super();
    check('CrossAttention', 'heads', heads, count);
    this.options = checkOptions('CrossAttention', options, attentionRules);
  }

  forward(...args: [...CrossAttentionInputs, Scope]): Tensor {
    const { x, memory, lengths, scope } = crossArguments(args);
    const [n] = checkSequence('CrossAttention', x);
    checkHeads('CrossAttention', x, this.heads);
    checkMemory(memory, n);
    const c = x.shape[2]!;
    const { bias, dropout = 0 } = this.options;
    const linear = (of: Tensor, name: string, init = xavierUniform()): Tensor =>
      projected(of, c, [`${name}Weight`, `${name}Bias`], { init, bias }, scope);
    const [q, k, v] = [linear(x, 'query'), linear(memory, 'key'), linear(memory, 'value')];
    const mask = lengths && lengthMask('CrossAttention', lengths, n, memory.shape[1]!, scope);
    return linear(attend(q, { k, v, causal: false, mask }, this.heads, dropout, scope), 'out', defaultWeight());
  }
}

/** The two ways `forward` is called, as one. @throws ShapeError for any other number of inputs */
function crossArguments(args: readonly [...CrossAttentionInputs, Scope]): {
  readonly x: Tensor;
  readonly memory: Tensor;
  readonly lengths: Tensor | undefined;
  readonly scope: Scope;
} {
  checkInputCount('CrossAttention', args, [2, 3], 'x and memory, or x, memory and its lengths');
  const [x, memory] = args;
  return args.length === 3 ? { x, memory, lengths: undefined, scope: args[2] } : { x, memory, lengths: args[2], scope: args[3] };
}

/** @throws ShapeError unless memory is [n, S, M] with a step to look at */
function checkMemory({ shape }: Tensor, n: number): void {
  if (shape.length === 3 && shape[0] === n && shape[1]! > 0 && shape[2]! > 0) return;
  throw new ShapeError(
    `CrossAttention: expected memory [${n}, S, M] of as many rows as x, with at least one step and one feature, got ${formatShape(shape)}.`,
  );
}
