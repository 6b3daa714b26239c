import type { Tensor } from '../graph/tensor.js';
import { concat, slice } from '../ops/index.js';
import type { Scope } from './scope.js';

/** x [N, T, C] with the `count` steps that were before it, zeros at first, [N, count + T, C]; the last `count` of all are left for the next step. */
export function withPast(name: string, x: Tensor, count: number, scope: Scope): Tensor {
  const [n, t, c] = x.shape as [number, number, number];
  const past = scope.state(name, [n, count, c]);
  const all = concat([past, x], 1);
  scope.keep(past, slice(all, [0, t, 0], [n, count, c]));
  return all;
}
