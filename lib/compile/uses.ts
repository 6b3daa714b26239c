import { topologicalOrder } from '../graph/order.js';
import type { Tensor } from '../graph/tensor.js';

/** Tells which tensors of the graph behind `roots` have one reader. */
export function singleUse(roots: readonly Tensor[]): (t: Tensor) => boolean {
  const uses = new Map<Tensor, number>();
  const count = (t: Tensor): unknown => uses.set(t, (uses.get(t) ?? 0) + 1);
  for (const node of topologicalOrder(roots)) node.inputs.forEach(count);
  roots.forEach(count);
  return (t) => uses.get(t) === 1;
}

/** Whether an operand has one number for each of `channels`, the last axis of the result, and the other one all of the result's elements. */
export function isPerChannel(operand: Tensor, other: Tensor, result: Tensor, channels: number): boolean {
  const perChannel = operand.size === channels && operand.shape.at(-1) === channels && operand.dtype === 'float32';
  return perChannel && result.shape.at(-1) === channels && other.size === result.size;
}
