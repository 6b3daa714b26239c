import type { Tensor } from '../graph/tensor.js';
import { check, checkOptions, count } from '../options.js';
import { checkInputCount } from './input-count.js';
import { Layer } from './layer.js';
import { checkHalves, lstmCell } from './lstm.js';
import { type RecurrentInits, checkGiven, initRules, step } from './recurrent.js';
import type { Scope } from './scope.js';

/** Options of {@link LSTMCell}. */
export type LSTMCellOptions = RecurrentInits;

/** The state of one LSTM cell: both halves [N, H], or neither. */
export interface LSTMCellState {
  readonly h?: Tensor | undefined;
  readonly c?: Tensor | undefined;
}

/**
 * One step of an LSTM, for loops of your own; the formula is that of LSTM.
 *
 * x [N, I], h [N, H], c [N, H] → h' [N, H]; without h and c the state is zeros. `apply` gives c' too.
 * Where states go on from piece to piece, as in `apply` of LSTM, h and c are the state before the first piece, or what the call before gave.
 * Where the model changes or reads them between the calls, it keeps them itself: see `apply` of LSTM.
 * Parameters: `weight` W [I, 4H], `recurrentWeight` U [H, 4H], `bias` b [4H], all U(−1/√H, 1/√H) at first; gates in the order i, f, g, o.
 *
 * @throws OptionError if hiddenSize is no whole number ≥ 1 or an option is wrong; ShapeError if x, h or c is of another shape
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html (there b is the sum of two parameters, so that it moves twice as far in a step)
 */
export class LSTMCell extends Layer<[x: Tensor] | [x: Tensor, h: Tensor, c: Tensor]> {
  constructor(
    readonly hiddenSize: number,
    readonly options: LSTMCellOptions = {},
  ) {
    super();
    check('LSTMCell', 'hiddenSize', hiddenSize, count);
    this.options = checkOptions('LSTMCell', options, initRules);
  }

  forward(...args: [x: Tensor, scope: Scope] | [x: Tensor, h: Tensor, c: Tensor, scope: Scope]): Tensor {
    checkInputCount('LSTMCell', args, [1, 3], 'x, or x, h and c');
    return args.length === 2 ? this.apply(args[0], {}, args[1]).h : this.apply(args[0], { h: args[1], c: args[2] }, args[3]).h;
  }

  /** Both halves of the new state. @throws OptionError, DTypeError for what is no such state; StateError for one half alone, or without a scope */
  apply(x: Tensor, given: LSTMCellState, scope: Scope): { readonly h: Tensor; readonly c: Tensor } {
    const { h, c } = checkGiven('LSTMCell', x, given, ['h', 'c'], scope);
    checkHalves('LSTMCell', h, c);
    const states = step(lstmCell('LSTMCell', this.hiddenSize, this.options), x, [h, c], scope);
    return { h: states[0]!, c: states[1]! };
  }
}
