/** The order of instructions: dependences first, then a small live set. */
import type { Flow } from './flow.js';

/** @param late items that come after all others; with every item that depends on them */
export function schedule(flow: Flow, late: ReadonlySet<number>): readonly number[] {
  const order = depthFirst(flow);
  return [...order.filter((i) => !late.has(i)), ...order.filter((i) => late.has(i))];
}

/** Each item just before the first that needs it. */
function depthFirst(flow: Flow): readonly number[] {
  const order: number[] = [];
  const seen = new Uint8Array(flow.items.length);
  const stack: { item: number; entered: boolean }[] = [];
  for (let root = 0; root < flow.items.length; root++) {
    if (flow.successors[root]!.length > 0) continue;
    stack.push({ item: root, entered: false });
    while (stack.length > 0) {
      const { item, entered } = stack.pop()!;
      if (entered) {
        order.push(item);
        continue;
      }
      if (seen[item] === 1) continue;
      seen[item] = 1;
      stack.push({ item, entered: true });
      for (const before of flow.predecessors[item]!.toReversed()) stack.push({ item: before, entered: false });
    }
  }
  return order;
}
