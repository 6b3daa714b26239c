import type { Tensor } from '../../graph/tensor.js';
import { reshape, slice } from '../../ops/shape.js';
import type { RandomScope } from './augmentation.js';

/** `count` uniform numbers in [0, 1) for each of n images, from one draw: tensors [n, 1]. */
export function drawn(scope: RandomScope, n: number, count: number): readonly Tensor[] {
  const u = scope.uniform([count, n, 1]);
  return Array.from({ length: count }, (_, i) => reshape(slice(u, [i, 0, 0], [1, n, 1]), [n, 1]));
}
