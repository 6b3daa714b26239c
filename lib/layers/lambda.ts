/** Layers without parameters from plain functions: Lambda and Identity. */
import type { Tensor } from '../graph/tensor.js';
import { callable, check } from '../options.js';
import { Layer } from './layer.js';

/**
 * Applies a function of tensors, written in operations.
 *
 * y = apply(x).   x [...] → y of any shape
 *
 * @throws OptionError if apply is no function
 */
export class Lambda extends Layer {
  constructor(
    /** The function, called once for each input shape and mode. */
    readonly apply: (x: Tensor) => Tensor,
  ) {
    super();
    check('Lambda', 'apply', apply, callable);
  }

  forward(x: Tensor): Tensor {
    return this.apply(x);
  }
}

/**
 * Passes its input on.
 *
 * y = x.   x [...] → y [...]
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Identity.html
 */
export class Identity extends Layer {
  forward(x: Tensor): Tensor {
    return x;
  }
}
