import type { Tensor } from '../graph/tensor.js';
import { check, fraction } from '../options.js';
import { dropped } from './dropped.js';
import { Layer } from './layer.js';
import type { Scope } from './scope.js';

/**
 * Zeroes elements at random while training.
 *
 * y = u ≥ p ? x / (1 − p) : 0 with u uniform in [0, 1), new for every element and step; y = x in evaluation.   x [...] → y [...]
 *
 * @throws OptionError unless 0 ≤ p < 1
 * @see Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html
 */
export class Dropout extends Layer {
  /** @param p probability of an element to be zeroed. Default: 0.5. */
  constructor(readonly p: number = 0.5) {
    super();
    check('Dropout', 'p', p, fraction);
  }

  forward(x: Tensor, scope: Scope): Tensor {
    return dropped(x, this.p, scope);
  }
}
