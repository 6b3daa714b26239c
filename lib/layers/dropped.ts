import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { greaterEqual, mul, where } from '../ops/index.js';
import type { Scope } from './scope.js';

/** u ≥ p ? x / (1 − p) : 0 in training, x in evaluation; u uniform in [0, 1) of `shape`, which broadcasts to that of x. */
export function dropped(x: Tensor, p: number, scope: Scope, shape: Shape = x.shape): Tensor {
  if (!scope.training || p === 0) return x;
  return where(greaterEqual(scope.uniform(shape), p), mul(x, 1 / (1 - p)), 0);
}
