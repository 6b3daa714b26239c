/** Recurrent sequences, time-major: the recurrence itself. What the inputs add to the gates is a product made before, over all steps at once. */
import { DTypeError, OptionError, ShapeError, formatShape } from '../errors.js';
import { type Cell, gatesOf } from '../compile/instructions/index.js';
import { iota } from '../graph/source.js';
import { type Shape, sameShape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { type Rules, boolean, checkOptions, oneOf } from '../options.js';
import { checkTensors, tensor } from './arguments.js';
import { less, where } from './elementwise.js';
import { type Sequence, recurrence } from './recurrent-kernels.js';
import { reshape, slice } from './shape.js';

/** Options that all recurrences share. */
export interface RecurrentOptions {
  /** Run from the last step to the first. Default: false. */
  readonly reverse?: boolean | undefined;
  /**
   * int32 [N], each 1 … T, in any order: at t ≥ lengths[n] row n carries its state unchanged, its y is 0 and no gradient flows, so in
   * reverse it starts at its own last step. A length out of range stops the run with its position. Default: every row is T long.
   */
  readonly lengths?: Tensor | undefined;
}

/** Options of {@link elman}. */
export interface ElmanOptions extends RecurrentOptions {
  /** Default: 'tanh'. */
  readonly nonlinearity?: 'tanh' | 'relu' | undefined;
}

/** Options of {@link gru}. */
export interface GruOpOptions extends RecurrentOptions {
  /** [H], added to h·U_n inside the reset: PyTorch's b_hn. With resetAfter only. Default: none. */
  readonly recurrentBias?: Tensor | undefined;
  /** Reset the product h·U_n (PyTorch), or h before it (Cho et al. 2014). Default: true. */
  readonly resetAfter?: boolean | undefined;
}

/** What a recurrence leaves: its states and the last of them. */
export interface Recurrence {
  /** The state after each step, [T, N, H]; 0 past lengths. */
  readonly y: Tensor;
  /** The final state, [N, H]. */
  readonly h: Tensor;
}

const nonlinearities = ['tanh', 'relu'] as const;
const rules: Rules<RecurrentOptions> = { reverse: boolean, lengths: tensor };
const elmanRules: Rules<ElmanOptions> = { ...rules, nonlinearity: oneOf(...nonlinearities) };
const gruRules: Rules<GruOpOptions> = { ...rules, resetAfter: boolean, recurrentBias: tensor };

/**
 * The plain recurrent net: h_t = tanh(g_t + h_{t−1}·u), or relu.
 * g [T, N, H], u [H, H], h0 [N, H] → y [T, N, H], h [N, H]. Once differentiable: a second derivative is refused.
 *
 * @throws ShapeError, DTypeError for operands that do not fit; OptionError for wrong options
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RNN.html (there U is [H, H] transposed)
 */
export function elman(g: Tensor, u: Tensor, h0: Tensor, options: ElmanOptions = {}): Recurrence {
  checkTensors('elman', { g, u, h0 });
  checkOptions('elman', options, elmanRules);
  const { nonlinearity = 'tanh', reverse = false, lengths } = options;
  const s = sequence('elman', nonlinearity === 'tanh' ? 'elmanTanh' : 'elmanRelu', reverse, { g, u, h0, lengths });
  return read(s, recurrence(s, { g, u, h0, lengths })[0]!, lengths);
}

/**
 * Long short-term memory, gates in the order i, f, c̃, o: i, f, o = σ and c̃ = tanh of g_t + h_{t−1}·u; c_t = f⊙c_{t−1} + i⊙c̃, h_t = o⊙tanh(c_t).
 * g [T, N, 4·H], u [H, 4·H], h0 and c0 [N, H] → y [T, N, H], h and c [N, H]. Once differentiable: a second derivative is refused.
 *
 * @throws ShapeError, DTypeError for operands that do not fit; OptionError for wrong options
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html (there U is [4·H, H])
 */
export function lstm(g: Tensor, u: Tensor, h0: Tensor, c0: Tensor, options: RecurrentOptions = {}): Recurrence & { readonly c: Tensor } {
  checkTensors('lstm', { g, u, h0, c0 });
  checkOptions('lstm', options, rules);
  const { reverse = false, lengths } = options;
  const s = sequence('lstm', 'lstm', reverse, { g, u, h0, c0, lengths });
  const [states, cells] = recurrence(s, { g, u, h0, c0, lengths }) as [Tensor, Tensor];
  return { ...read(s, states, lengths), c: final(s, cells) };
}

/**
 * Gated recurrent unit, gates in the order r, z, n: r, z = σ(g_t + h_{t−1}·u), n = tanh(g_n + r⊙(h_{t−1}·u_n + recurrentBias)), or with
 * resetAfter false n = tanh(g_n + (r⊙h_{t−1})·u_n); h_t = (1 − z)⊙n + z⊙h_{t−1}.
 * g [T, N, 3·H], u [H, 3·H], h0 [N, H] → y [T, N, H], h [N, H]. Once differentiable: a second derivative is refused.
 *
 * @throws ShapeError, DTypeError for operands that do not fit; OptionError for wrong options, a recurrentBias without resetAfter
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GRU.html (there U is [3·H, H])
 */
export function gru(g: Tensor, u: Tensor, h0: Tensor, options: GruOpOptions = {}): Recurrence {
  checkTensors('gru', { g, u, h0 });
  checkOptions('gru', options, gruRules);
  const { resetAfter = true, reverse = false, lengths, recurrentBias: bias } = options;
  if (!resetAfter && bias !== undefined)
    throw new OptionError('gru: expected recurrentBias with resetAfter only, got it with resetAfter false. Add it to the n part of g.');
  const s = sequence('gru', resetAfter ? 'gru' : 'gruBefore', reverse, { g, u, h0, recurrentBias: bias, lengths });
  return read(s, recurrence(s, { g, u, h0, bias, lengths })[0]!, lengths);
}

interface Given {
  readonly g: Tensor;
  readonly u: Tensor;
  readonly h0: Tensor;
  readonly c0?: Tensor | undefined;
  readonly recurrentBias?: Tensor | undefined;
  readonly lengths: Tensor | undefined;
}

/** Checks the operands and gives their sizes. */
function sequence(what: string, cell: Cell, reverse: boolean, { g, u, h0, c0, recurrentBias, lengths }: Given): Sequence {
  const gates = gatesOf(cell);
  const width = gates === 1 ? 'H' : `${gates}·H`;
  const [h, columns] = u.shape;
  if (u.rank !== 2 || columns !== gates * h!)
    throw new ShapeError(`${what}: expected u of shape [H, ${width}], got ${formatShape(u.shape)}.`);
  const [t, n] = g.shape as [number, number];
  if (g.rank !== 3 || g.shape[2] !== columns || t === 0)
    throw new ShapeError(
      `${what}: expected g of rank 3 [T, N, ${width}] with ${width} = ${columns} and at least one step, got ${formatShape(g.shape)}. Transpose batch-major sequences.`,
    );
  const check = (name: string, x: Tensor | undefined, shape: Shape, letters: string): void => {
    if (x === undefined) return;
    if (!sameShape(x.shape, shape))
      throw new ShapeError(`${what}: expected ${name} of shape ${letters} = ${formatShape(shape)}, got ${formatShape(x.shape)}.`);
    const dtype = name === 'lengths' ? 'int32' : 'float32';
    if (x.dtype !== dtype) throw new DTypeError(`${what}: expected ${dtype} ${name}, got ${x.dtype}. Cast it first.`);
  };
  check('g', g, g.shape, `[T, N, ${width}]`);
  check('u', u, u.shape, `[H, ${width}]`);
  check('h0', h0, [n, h!], '[N, H]');
  check('c0', c0, [n, h!], '[N, H]');
  check('recurrentBias', recurrentBias, [h!], '[H]');
  check('lengths', lengths, [n], '[N]');
  return { cell, t, n, h: h!, reverse };
}

/** States lie one place behind the step that wrote them, in reverse at its own. */
function read(s: Sequence, states: Tensor, lengths: Tensor | undefined): Recurrence {
  const y = slice(states, [s.reverse ? 0 : 1, 0, 0], [s.t, s.n, s.h]);
  const running = lengths && less(reshape(iota(s.t), [s.t, 1, 1]), reshape(lengths, [1, s.n, 1]));
  return { y: running === undefined ? y : where(running, y, 0), h: final(s, states) };
}

function final(s: Sequence, states: Tensor): Tensor {
  return reshape(slice(states, [s.reverse ? 0 : s.t, 0, 0], [1, s.n, s.h]), [s.n, s.h]);
}
