import { apply, checkTensor } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import { ReshapeOp } from './shape.js';

/** x, taken for a constant by gradients(). */
export function stopGradient(x: Tensor): Tensor {
  checkTensor('stopGradient', x);
  return apply(new ReshapeOp(x.shape, false), x);
}
