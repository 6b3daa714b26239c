import type { Node, Tensor } from './tensor.js';

/** Whether any of `xs` is one of `sources` or made of one. */
export function dependOn(xs: readonly Tensor[], sources: Iterable<Tensor>): boolean {
  const wanted = new Set(sources);
  if (wanted.size === 0) return false;
  const seen = new Set<Node>();
  const stack = [...xs];
  while (stack.length > 0) {
    const x = stack.pop()!;
    if (wanted.has(x)) return true;
    if (seen.has(x.node)) continue;
    seen.add(x.node);
    for (const input of x.node.inputs) stack.push(input);
  }
  return false;
}
