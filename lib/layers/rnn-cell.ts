import type { Tensor } from '../graph/tensor.js';
import { check, checkOptions, count, oneOf } from '../options.js';
import { checkInputCount } from './input-count.js';
import { Layer } from './layer.js';
import { initRules, step } from './recurrent.js';
import { type RNNCellOptions, rnnCell } from './rnn.js';
import type { Scope } from './scope.js';

/**
 * One step of an RNN, for loops of your own.
 *
 * h' = tanh(x · W + h · U + b), or with max(0, ·).   x [N, I], h [N, H] → h' [N, H]; without h the state is zeros.
 * Where states go on from piece to piece, as in `apply` of RNN, h is the state before the first piece, or what the call before gave.
 * Where the model changes or reads h between the calls, it keeps it itself: see `apply` of RNN.
 * Parameters: `weight` W [I, H], `recurrentWeight` U [H, H], `bias` b [H], all U(−1/√H, 1/√H) at first.
 *
 * @throws OptionError if hiddenSize is no whole number ≥ 1 or an option is wrong; ShapeError if x or h is of another shape
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RNNCell.html (there b is the sum of two parameters, so that it moves twice as far in a step)
 */
export class RNNCell extends Layer<[x: Tensor] | [x: Tensor, h: Tensor]> {
  constructor(
    readonly hiddenSize: number,
    readonly options: RNNCellOptions = {},
  ) {
    super();
    check('RNNCell', 'hiddenSize', hiddenSize, count);
    this.options = checkOptions('RNNCell', options, { ...initRules, nonlinearity: oneOf('tanh', 'relu') });
  }

  forward(...args: [x: Tensor, scope: Scope] | [x: Tensor, h: Tensor, scope: Scope]): Tensor {
    checkInputCount('RNNCell', args, [1, 2], 'x, or x and h');
    const [h, scope] = args.length === 2 ? [undefined, args[1]] : [args[1], args[2]];
    return step(rnnCell('RNNCell', this.hiddenSize, this.options), args[0], [h], scope)[0]!;
  }
}
