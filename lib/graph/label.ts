import type { Node, Tensor } from './tensor.js';

/** Gives every node behind `outputs` that has no label yet this one; `until` and what lies behind it are left alone. */
export function label(outputs: readonly Tensor[], text: string, until: readonly Tensor[] = []): void {
  if (text === '') return;
  const known = new Set(until.map((t) => t.node));
  const stack: Node[] = outputs.map((t) => t.node);
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (node.label !== '' || known.has(node)) continue;
    node.label = text;
    for (const x of node.inputs) stack.push(x.node);
  }
}

/** The label of the data of a step, before augmentations. */
export const dataLabel = 'data';

/** The path of the first layer in the label of some nodes; undefined if none has one: the model itself, a loss, an optimizer. */
export function pathIn(label: string): string | undefined {
  return / "([^"]+)"/.exec(label)?.[1];
}
