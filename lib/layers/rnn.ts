import type { Tensor } from '../graph/tensor.js';
import { elman } from '../ops/recurrent.js';
import { oneOf } from '../options.js';
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

/** Options of {@link RNNCell}. */
export interface RNNCellOptions extends RecurrentInits {
  /** Bends the state. Default: 'tanh'. */
  readonly nonlinearity?: 'tanh' | 'relu' | undefined;
}

/** Options of {@link RNN}. */
export interface RNNOptions extends SequenceOptions, RNNCellOptions {}

/** @internal */
export function rnnCell(name: string, hiddenSize: number, { nonlinearity = 'tanh', ...inits }: RNNCellOptions): Recurrent {
  return {
    name,
    hiddenSize,
    gates: 1,
    states: ['h'],
    inits,
    run: (g, u, [h0], options) => {
      const { y, h } = elman(g, u, h0!, { ...options, nonlinearity });
      return { y, states: [h] };
    },
  };
}

/**
 * Elman's recurrent layer: a state goes over a sequence.
 *
 * h_t = tanh(x_t · W + h_{t−1} · U + b), or with max(0, ·); y_t = h_t.   x [N, T, I] → y [N, T, D·H], or without returnSequences the
 * last state [N, D·H]; D is 2 if bidirectional, else 1. A second input, lengths int32 [N], says how many steps of each row count: y is 0 past
 * them, and the last state is that of the row's own last step.
 *
 * Parameters of layer l: `weight{l}` W [I, H] (I = D·H above the first layer), `recurrentWeight{l}` U [H, H], `bias{l}` b [H]; of the backward
 * direction the same with `Reverse` behind, `weight0Reverse`. All U(−1/√H, 1/√H) at first.
 *
 * Once differentiable: a gradient penalty through it, a second derivative, is refused.
 *
 * @throws OptionError if hiddenSize is no whole number ≥ 1 or an option is wrong; ShapeError if x is no [N, T, I] or a state does not fit;
 *   DataError while running if a length is not in 1 … T
 * @see Elman 1990; https://pytorch.org/docs/stable/generated/torch.nn.RNN.html (there b is the sum of two parameters, so that it moves twice as far in a step)
 */
export class RNN extends SequenceLayer<RNNOptions> {
  constructor(hiddenSize: number, options: RNNOptions = {}) {
    super('RNN', hiddenSize, options, { ...sequenceRules, nonlinearity: oneOf('tanh', 'relu') });
  }

  apply(x: Tensor, given: SequenceState, scope: Scope): { readonly y: Tensor; readonly h: Tensor } {
    const { lengths, h } = checkGiven('RNN', x, given, ['lengths', 'h'], scope);
    const cell = rnnCell('RNN', this.hiddenSize, this.options);
    const { y, states } = sequence(cell, x, { lengths, states: [h] }, this.options, scope);
    return { y, h: states[0]! };
  }
}
