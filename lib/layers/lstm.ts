import { StateError } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { lstm } from '../ops/recurrent.js';
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

/** Options of {@link LSTM}. */
export type LSTMOptions = SequenceOptions;

/** What {@link LSTM} may be given beside x. */
export interface LSTMState extends SequenceState {
  /** `[N, L·D, H]`: c before the first step, given together with h, as which it counts. */
  readonly c?: Tensor | undefined;
}

/** @internal */
export function lstmCell(name: string, hiddenSize: number, inits: RecurrentInits): Recurrent {
  return {
    name,
    hiddenSize,
    gates: 4,
    states: ['h', 'c'],
    inits,
    run: (g, u, [h0, c0], options) => {
      const { y, h, c } = lstm(g, u, h0!, c0!, options);
      return { y, states: [h, c] };
    },
  };
}

/** @throws StateError if only one half of an LSTM's state is there */
export function checkHalves(what: string, h: Tensor | undefined, c: Tensor | undefined): void {
  if ((h === undefined) === (c === undefined)) return;
  const [there, missing] = h === undefined ? ['c', 'h'] : ['h', 'c'];
  throw new StateError(`${what}: expected a state of h and c, got ${there} alone. Give ${missing} too.`);
}

/**
 * Long short-term memory: a recurrent layer whose cells keep what they learnt until a gate lets it go.
 *
 * a = x_t · W + h_{t−1} · U + b, in four parts;  i, f, c̃, o = σ(a_i), σ(a_f), tanh(a_g), σ(a_o);
 * c_t = f ⊙ c_{t−1} + i ⊙ c̃;  h_t = o ⊙ tanh(c_t);  y_t = h_t.   x [N, T, I] → y [N, T, D·H], or without returnSequences the last state
 * [N, D·H]; D is 2 if bidirectional, else 1. A second input, lengths int32 [N], says how many steps of each row count: y is 0 past them,
 * and the last state is that of the row's own last step.
 *
 * Parameters of layer l, gates in the order i, f, g, o: `weight{l}` W [I, 4H] (I = D·H above the first layer), `recurrentWeight{l}` U [H, 4H],
 * `bias{l}` b [4H]; of the backward direction the same with `Reverse` behind, `weight0Reverse`. All U(−1/√H, 1/√H) at first.
 *
 * Keras's first values, with a forget gate that keeps at first:
 * ```ts
 * const h = 64;
 * const forgetBias: Initializer = ([width = 0]) => new Float32Array(width).fill(1, h, 2 * h);
 * new LSTM(h, { weightInit: xavierUniform(), recurrentInit: orthogonal(), biasInit: forgetBias });
 * ```
 *
 * Once differentiable: a gradient penalty through it, a second derivative, is refused.
 *
 * @throws OptionError if hiddenSize is no whole number ≥ 1 or an option is wrong; ShapeError if x is no [N, T, I] or a state does not fit;
 *   DataError while running if a length is not in 1 … T
 * @see Hochreiter and Schmidhuber 1997; Gers et al. 2000; https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html (there b is the sum of two parameters, so that it moves twice as far in a step)
 */
export class LSTM extends SequenceLayer<LSTMOptions> {
  constructor(hiddenSize: number, options: LSTMOptions = {}) {
    super('LSTM', hiddenSize, options, sequenceRules);
  }

  /** As of every {@link SequenceLayer}: y [N, T, D·H], and h and c [N, L·D, H] after the last step, layer by layer, forward before backward. */
  apply(x: Tensor, given: LSTMState, scope: Scope): { readonly y: Tensor; readonly h: Tensor; readonly c: Tensor } {
    const { lengths, h, c } = checkGiven('LSTM', x, given, ['lengths', 'h', 'c'], scope);
    checkHalves('LSTM', h, c);
    const { y, states } = sequence(lstmCell('LSTM', this.hiddenSize, this.options), x, { lengths, states: [h, c] }, this.options, scope);
    return { y, h: states[0]!, c: states[1]! };
  }
}
