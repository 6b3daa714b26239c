import { ShapeError, formatShape } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';

/** @throws ShapeError unless x has rows of at least one dimension, so that what a layer makes of a row depends on no other; `feature` is the letter of its last one */
export function checkRows(layer: string, x: Tensor, feature: string): void {
  if (x.rank >= 2) return;
  throw new ShapeError(
    `${layer}: expected x of rank ≥ 2 [N, ..., ${feature}], got ${formatShape(x.shape)}. Reshape it: one number a row to [N, 1], a row alone to [1, ${feature}].`,
  );
}
