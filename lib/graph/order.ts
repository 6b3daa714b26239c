import type { Node, Tensor } from './tensor.js';

/** Every node behind `roots`, inputs before users, in the order a depth-first walk first needs them. */
export function topologicalOrder(roots: readonly Tensor[]): readonly Node[] {
  return depthFirst(roots.map(({ node }) => node), ({ inputs }) => inputs.map(({ node }) => node)); // prettier-ignore
}

/** Everything behind `roots`, each just before the first that needs it, what it needs itself in the order of `before`. */
export function depthFirst<T>(roots: readonly T[], before: (of: T) => readonly T[]): readonly T[] {
  const order: T[] = [];
  const seen = new Set<T>();
  // An explicit stack: a sequence unrolled over thousands of steps is deeper than the call stack.
  const stack: { of: T; entered: boolean }[] = [];
  for (const root of roots) {
    stack.push({ of: root, entered: false });
    while (stack.length > 0) {
      const { of, entered } = stack.pop()!;
      if (entered) {
        order.push(of);
        continue;
      }
      if (seen.has(of)) continue;
      seen.add(of);
      stack.push({ of, entered: true });
      for (const first of before(of).toReversed()) stack.push({ of: first, entered: false });
    }
  }
  return order;
}
