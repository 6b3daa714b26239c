import type { Tensor } from '../graph/tensor.js';
import { gru } from '../ops/recurrent.js';
import { boolean } from '../options.js';
import {
  type Recurrent,
  type RecurrentInits,
  SequenceLayer,
  type SequenceOptions,
  type SequenceState,
  checkGiven,
  sequence,
  sequenceRules,
} from './recurrent.js';
import type { Scope } from './scope.js';

/** Options of {@link GRUCell}. */
export interface GRUCellOptions extends RecurrentInits {
  /** Apply the reset gate after the recurrent product (PyTorch, cuDNN) rather than before it (the paper). Default: true. */
  readonly resetAfter?: boolean | undefined;
}

/** Options of {@link GRU}. */
export interface GRUOptions extends SequenceOptions, GRUCellOptions {}

/** @internal */
export function gruCell(name: string, hiddenSize: number, { resetAfter = true, ...inits }: GRUCellOptions): Recurrent {
  return {
    name,
    hiddenSize,
    gates: 3,
    states: ['h'],
    inits,
    run: (g, u, [h0], options, bias) => {
      const further = resetAfter ? { recurrentBias: bias('recurrentBias', [hiddenSize]) } : {};
      const { y, h } = gru(g, u, h0!, { ...options, ...further, resetAfter });
      return { y, states: [h] };
    },
  };
}

/**
 * Gated recurrent unit: a recurrent layer that decides how much of its state to renew.
 *
 * a = x_t · W + b and q = h_{t−1} · U, in three parts;  r = σ(a_r + q_r);  z = σ(a_z + q_z);  n = tanh(a_n + r ⊙ (q_n + b_h)), or with
 * resetAfter: false tanh(a_n + (r ⊙ h_{t−1}) · U_n);  h_t = (1 − z) ⊙ n + z ⊙ h_{t−1};  y_t = h_t.   x [N, T, I] → y [N, T, D·H], or without
 * returnSequences the last state [N, D·H]; D is 2 if bidirectional, else 1. A second input, lengths int32 [N], says how many steps of each
 * row count: y is 0 past them, and the last state is that of the row's own last step.
 *
 * Parameters of layer l, gates in the order r, z, n: `weight{l}` W [I, 3H] (I = D·H above the first layer), `recurrentWeight{l}` U [H, 3H],
 * `bias{l}` b [3H], and with resetAfter `recurrentBias{l}` b_h [H]; of the backward direction the same with `Reverse` behind,
 * `weight0Reverse`. All U(−1/√H, 1/√H) at first.
 *
 * Once differentiable: a gradient penalty through it, a second derivative, is refused.
 *
 * @throws OptionError if hiddenSize is no whole number ≥ 1 or an option is wrong; ShapeError if x is no [N, T, I] or a state does not fit;
 *   DataError while running if a length is not in 1 … T
 * @see Cho et al. 2014, https://arxiv.org/abs/1406.1078; https://pytorch.org/docs/stable/generated/torch.nn.GRU.html (there b_r and b_z are sums of two parameters, so that they move twice as far in a step)
 */
export class GRU extends SequenceLayer<GRUOptions> {
  constructor(hiddenSize: number, options: GRUOptions = {}) {
    super('GRU', hiddenSize, options, { ...sequenceRules, resetAfter: boolean });
  }

  apply(x: Tensor, given: SequenceState, scope: Scope): { readonly y: Tensor; readonly h: Tensor } {
    const { lengths, h } = checkGiven('GRU', x, given, ['lengths', 'h'], scope);
    const cell = gruCell('GRU', this.hiddenSize, this.options);
    const { y, states } = sequence(cell, x, { lengths, states: [h] }, this.options, scope);
    return { y, h: states[0]! };
  }
}
