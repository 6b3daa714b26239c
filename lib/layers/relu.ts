/** The rectifiers: ReLU, LeakyReLU, ELU, SELU. */
import type { Tensor } from '../graph/tensor.js';
import { elu, leakyRelu, mul, relu } from '../ops/index.js';
import { checkOptions, finite } from '../options.js';
import { Layer } from './layer.js';

/**
 * Rectifies.
 *
 * y = max(0, x); NaN stays NaN; gradient 0 at 0.   x [...] → y [...]
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html
 */
export class ReLU extends Layer {
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/** Options of {@link LeakyReLU}. */
export interface LeakyReLUOptions {
  /** Slope for x ≤ 0. Default: 0.01. */
  readonly negativeSlope?: number | undefined;
}

/**
 * Rectifies with a small slope below zero.
 *
 * y = x > 0 ? x : negativeSlope · x.   x [...] → y [...]
 *
 * @throws OptionError if negativeSlope is not finite
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
 */
export class LeakyReLU extends Layer {
  readonly negativeSlope: number;

  constructor(options: LeakyReLUOptions = {}) {
    super();
    this.negativeSlope = checkOptions('LeakyReLU', options, { negativeSlope: finite }).negativeSlope ?? 0.01;
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.negativeSlope);
  }
}

/** Options of {@link ELU}. */
export interface ELUOptions {
  /** Minus the limit for x → −∞. Default: 1. */
  readonly alpha?: number | undefined;
}

/**
 * Rectifies, smoothly below zero.
 *
 * y = x > 0 ? x : alpha · (eˣ − 1).   x [...] → y [...]
 *
 * @throws OptionError if alpha is not finite
 * @see Clevert et al. 2015, https://arxiv.org/abs/1511.07289
 */
export class ELU extends Layer {
  readonly alpha: number;

  constructor(options: ELUOptions = {}) {
    super();
    this.alpha = checkOptions('ELU', options, { alpha: finite }).alpha ?? 1;
  }

  forward(x: Tensor): Tensor {
    return elu(x, this.alpha);
  }
}

/** The fixed point of mean 0 and variance 1, from the paper. */
const [seluAlpha, seluScale] = [1.6732632423543772, 1.0507009873554805];

/**
 * Scales an ELU so that mean 0 and variance 1 go on from layer to layer, with weights of variance 1 / fan in:
 * `kaimingNormal({ nonlinearity: 'linear' })`.
 *
 * y = 1.0507 · (x > 0 ? x : 1.6733 · (eˣ − 1)).   x [...] → y [...]
 *
 * @see Klambauer et al. 2017, https://arxiv.org/abs/1706.02515; https://pytorch.org/docs/stable/generated/torch.nn.SELU.html
 */
export class SELU extends Layer {
  forward(x: Tensor): Tensor {
    return mul(elu(x, seluAlpha), seluScale);
  }
}
