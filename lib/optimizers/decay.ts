import type { Tensor } from '../graph/tensor.js';
import { add, mul } from '../ops/index.js';

/** The gradient with that of weightDecay / 2 · ‖p‖² added to it. */
export function withDecay(gradient: Tensor, parameter: Tensor, weightDecay: number): Tensor {
  return weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
}
