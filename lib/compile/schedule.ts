/** The order of instructions: dependences first, then a small live set. */
import { append } from '../append.js';
import { depthFirst } from '../graph/order.js';
import { type Tensor, byteSize } from '../graph/tensor.js';
import type { Flow } from './flow.js';
import { Heap } from './heap.js';

/**
 * Orders to choose from: no one rule is best for every graph.
 * @param late items that come after all others; with every item that depends on them
 * @param inArena whether a buffer takes space in the arena
 */
export function schedules(flow: Flow, late: ReadonlySet<number>, inArena: (base: Tensor) => boolean): readonly (readonly number[])[] {
  const last = flow.items.flatMap((_, i) => (flow.successors[i]!.length === 0 ? [i] : []));
  const plain = depthFirst(last, (i) => flow.predecessors[i]!);
  const depth = depths(flow, plain);
  const deepFirst = depthFirst(last, (i) => flow.predecessors[i]!.toSorted((a, b) => depth[b]! - depth[a]!));
  return [plain, deepFirst].flatMap((order) => {
    const inPhases = [...order.filter((i) => !late.has(i)), ...order.filter((i) => late.has(i))];
    return [inPhases, freeingFirst(flow, inPhases, late, inArena)];
  });
}

/** Length of the longest chain of items before each. */
function depths(flow: Flow, order: readonly number[]): Float64Array {
  const depth = new Float64Array(flow.items.length);
  for (const item of order) depth[item] = flow.predecessors[item]!.reduce((most, before) => Math.max(most, depth[before]! + 1), 0);
  return depth;
}

/**
 * Follows `preferred`, but whatever is ready and frees more bytes than it takes goes first: the gradient of a weight as soon as
 * its factors have no other reader.
 */
function freeingFirst(
  flow: Flow,
  preferred: readonly number[],
  late: ReadonlySet<number>,
  inArena: (base: Tensor) => boolean,
): readonly number[] {
  const rank = new Float64Array(flow.items.length);
  preferred.forEach((item, i) => (rank[item] = i));
  // Buffers each item touches, and for each buffer the items that still have to.
  const touched = flow.items.map((_, i) => [
    ...new Set([...flow.reads[i]!, ...flow.writes[i]!].map((base) => flow.rootOf(base).base).filter(inArena)),
  ]);
  const users = new Map<Tensor, number[]>();
  touched.forEach((roots, item) => {
    for (const root of roots) append(users, root, item);
  });
  const left = new Map([...users].map(([root, items]) => [root, items.length]));
  const started = new Set<Tensor>();
  const taken = (item: number): number => {
    let bytes = 0;
    for (const base of flow.writes[item]!) if (!started.has(base) && inArena(flow.rootOf(base).base)) bytes += byteSize(base);
    for (const root of touched[item]!) if (left.get(root) === 1) bytes -= byteSize(root);
    return bytes;
  };

  const waiting = Int32Array.from(flow.predecessors, (before) => before.length);
  const done = new Uint8Array(flow.items.length);
  const order: number[] = [];
  for (const phase of [false, true]) {
    const ready = new Heap();
    const freeing = new Heap();
    const offer = (item: number): void => {
      if (waiting[item] !== 0 || late.has(item) !== phase) return;
      const bytes = taken(item);
      if (bytes < 0) freeing.push(bytes, item);
    };
    const arrive = (item: number): void => {
      if (waiting[item] !== 0 || late.has(item) !== phase || done[item] === 1) return;
      ready.push(rank[item]!, item);
      offer(item);
    };
    preferred.forEach(arrive);
    while (freeing.size + ready.size > 0) {
      const item = (freeing.size > 0 ? freeing : ready).pop()!;
      if (done[item] === 1) continue;
      done[item] = 1;
      order.push(item);
      for (const base of flow.writes[item]!) started.add(base);
      for (const root of touched[item]!) {
        const rest = left.get(root)! - 1;
        left.set(root, rest);
        if (rest === 1) offer(users.get(root)!.find((user) => done[user] !== 1)!);
      }
      for (const next of flow.successors[item]!) {
        waiting[next] = waiting[next]! - 1;
        arrive(next);
      }
    }
  }
  return order;
}
