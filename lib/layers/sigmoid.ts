/** The activations made of exponentials: Sigmoid, Tanh, SiLU, Softplus. */
import type { Tensor } from '../graph/tensor.js';
import { sigmoid, silu, softplus, tanh } from '../ops/index.js';
import { checkOptions, positiveFloat } from '../options.js';
import { Layer } from './layer.js';

/**
 * Squashes to (0, 1).
 *
 * y = 1 / (1 + e⁻ˣ).   x [...] → y [...]
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
 */
export class Sigmoid extends Layer {
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/**
 * Squashes to (−1, 1).
 *
 * y = tanh(x).   x [...] → y [...]
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Tanh.html
 */
export class Tanh extends Layer {
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/**
 * Weighs x by its own sigmoid, also called swish.
 *
 * y = x · sigmoid(x).   x [...] → y [...]
 *
 * @see Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415
 */
export class SiLU extends Layer {
  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/** Options of {@link Softplus}. */
export interface SoftplusOptions {
  /** Sharpness of the bend. Default: 1. */
  readonly beta?: number | undefined;
}

/**
 * Rectifies smoothly.
 *
 * y = ln(1 + e^(beta · x)) / beta.   x [...] → y [...]
 *
 * It needs no threshold above which y = x: the form computed cannot overflow.
 *
 * @throws OptionError unless beta > 0
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softplus.html
 */
export class Softplus extends Layer {
  readonly beta: number;

  constructor(options: SoftplusOptions = {}) {
    super();
    this.beta = checkOptions('Softplus', options, { beta: positiveFloat }).beta ?? 1;
  }

  forward(x: Tensor): Tensor {
    return softplus(x, this.beta);
  }
}
