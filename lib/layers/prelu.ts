import { ShapeError } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { filled } from '../init.js';
import { greater, mul, where } from '../ops/index.js';
import { boolean, checkOptions, finite } from '../options.js';
import { Layer } from './layer.js';
import type { Scope } from './scope.js';

/** Options of {@link PReLU}. */
export interface PReLUOptions {
  /** A slope for each channel, the last dimension, instead of one for all. Default: false. */
  readonly perChannel?: boolean | undefined;
  /** The slopes at first. Default: 0.25. */
  readonly init?: number | undefined;
}

/**
 * Rectifies with a slope below zero that is learnt.
 *
 * y = x > 0 ? x : weight · x.   x [..., C] → y [..., C]; parameter: weight [1], or [C] with `perChannel`. Weight decay pulls the slopes
 * towards 0, which makes it a ReLU.
 *
 * @throws OptionError if an option is wrong; ShapeError if x is a scalar and the slopes are by channel
 * @see He et al. 2015, https://arxiv.org/abs/1502.01852; https://pytorch.org/docs/stable/generated/torch.nn.PReLU.html
 */
export class PReLU extends Layer {
  readonly perChannel: boolean;
  readonly init: number;

  constructor(options: PReLUOptions = {}) {
    super();
    const { perChannel = false, init = 0.25 } = checkOptions('PReLU', options, { perChannel: boolean, init: finite });
    this.perChannel = perChannel;
    this.init = init;
  }

  forward(x: Tensor, scope: Scope): Tensor {
    const channels = x.shape.at(-1);
    if (this.perChannel && channels === undefined)
      throw new ShapeError('PReLU: expected x [..., C] for a slope a channel, got []. Leave perChannel out.');
    const weight = scope.parameter('weight', [this.perChannel ? channels! : 1], filled(this.init));
    const isPositive = greater(x, 0);
    // Not x · weight, whose gradient would be 0 · ∞ where x is.
    return where(isPositive, x, mul(where(isPositive, 0, x), weight));
  }
}
