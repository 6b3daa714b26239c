import type { Node, Tensor } from './tensor.js';

/** Gives every node behind `outputs` that has no label yet this one. */
export function label(outputs: readonly Tensor[], text: string): void {
  const stack: Node[] = outputs.map((t) => t.node);
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (node.label !== '') continue;
    node.label = text;
    for (const x of node.inputs) stack.push(x.node);
  }
}
