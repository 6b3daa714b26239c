import type { Tensor } from '../graph/tensor.js';
import { gelu } from '../ops/index.js';
import { checkOptions, oneOf } from '../options.js';
import { Layer } from './layer.js';

/** Options of {@link GELU}. */
export interface GELUOptions {
  /** 'none': by the error function; 'tanh': by the tanh approximation. Default: 'none'. */
  readonly approximate?: 'none' | 'tanh' | undefined;
}

/**
 * Weighs x by the probability that a standard normal value is below it.
 *
 * y = x · ½ · (1 + erf(x / √2)), or with 'tanh' x · ½ · (1 + tanh(√(2/π) · (x + 0.044715 · x³))).   x [...] → y [...]
 *
 * @throws OptionError if approximate is neither 'none' nor 'tanh'
 * @see Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415
 */
export class GELU extends Layer {
  readonly approximate: 'none' | 'tanh';

  constructor(options: GELUOptions = {}) {
    super();
    this.approximate = checkOptions('GELU', options, { approximate: oneOf('none', 'tanh') }).approximate ?? 'none';
  }

  forward(x: Tensor): Tensor {
    return gelu(x, this.approximate);
  }
}
