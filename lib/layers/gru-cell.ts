import type { Tensor } from '../graph/tensor.js';
import { boolean, check, checkOptions, count } from '../options.js';
import { type GRUCellOptions, gruCell } from './gru.js';
import { checkInputCount } from './input-count.js';
import { Layer } from './layer.js';
import { initRules, step } from './recurrent.js';
import type { Scope } from './scope.js';

/**
 * One step of a GRU, for loops of your own; the formula is that of GRU.
 *
 * x [N, I], h [N, H] → h' [N, H]; without h the state is zeros. Where states go on from piece to piece, as in `apply` of GRU, h is the
 * state before the first piece, or what the call before gave. Where the model changes or reads h between the calls, it keeps it itself: see `apply` of GRU.
 *
 * Parameters: `weight` W [I, 3H], `recurrentWeight` U [H, 3H], `bias` b [3H], and with resetAfter `recurrentBias` [H], all U(−1/√H, 1/√H) at first; gates in the order r, z, n.
 *
 * @throws OptionError if hiddenSize is no whole number ≥ 1 or an option is wrong; ShapeError if x or h is of another shape
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GRUCell.html (there b_r and b_z are sums of two parameters, so that they move twice as far in a step)
 */
export class GRUCell extends Layer<[x: Tensor] | [x: Tensor, h: Tensor]> {
  constructor(
    readonly hiddenSize: number,
    readonly options: GRUCellOptions = {},
  ) {
    super();
    check('GRUCell', 'hiddenSize', hiddenSize, count);
    this.options = checkOptions('GRUCell', options, { ...initRules, resetAfter: boolean });
  }

  forward(...args: [x: Tensor, scope: Scope] | [x: Tensor, h: Tensor, scope: Scope]): Tensor {
    checkInputCount('GRUCell', args, [1, 2], 'x, or x and h');
    const [h, scope] = args.length === 2 ? [undefined, args[1]] : [args[1], args[2]];
    return step(gruCell('GRUCell', this.hiddenSize, this.options), args[0], [h], scope)[0]!;
  }
}
