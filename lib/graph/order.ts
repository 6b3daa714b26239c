import type { Node, Tensor } from './tensor.js';

/** Every node behind `roots`, inputs before users, in the order a depth-first walk first needs them. */
export function topologicalOrder(roots: readonly Tensor[]): readonly Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  // An explicit stack: a sequence unrolled over thousands of steps is deeper than the call stack.
  const stack: { node: Node; entered: boolean }[] = [];
  for (const root of roots) {
    stack.push({ node: root.node, entered: false });
    while (stack.length > 0) {
      const { node, entered } = stack.pop()!;
      if (entered) {
        order.push(node);
        continue;
      }
      if (seen.has(node)) continue;
      seen.add(node);
      stack.push({ node, entered: true });
      for (let i = node.inputs.length - 1; i >= 0; i--) stack.push({ node: node.inputs[i]!.node, entered: false });
    }
  }
  return order;
}
