import { apply } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import { Reshape } from './shape.js';

/** A view of the whole tensor that passes no gradient on. */
class StopGradient extends Reshape {
  override vjp(): readonly undefined[] {
    return [];
  }
}

/** x, taken for a constant by gradients(). */
export function stopGradient(x: Tensor): Tensor {
  return apply(new StopGradient(x.shape), x);
}
