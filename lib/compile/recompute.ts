/** Cheap values that a later map computes again instead of reading them, from what is kept anyway or is no larger. */
import { Node, type Tensor } from '../graph/tensor.js';
import { type ElementwiseGraph, mustWait } from './fuse.js';
import { rewrite, withInputs } from './rewrite.js';
import type { Vertex } from './vertex.js';

/** Operations of one instruction a vector. */
const cheap: ReadonlySet<string> = new Set(['add', 'sub', 'mul', 'neg', 'square']);

/** A user of cheap nodes that gets a copy of each, and the level of its map, whose other users share it. */
interface Later {
  readonly level: number;
  readonly nodes: Set<Node>;
}

/**
 * A graph like that behind `roots` in which later users of a cheap elementwise node have a copy of it that joins their map, as the
 * backward pass of a normalisation has of x − E[x]. The bits are the same.
 */
export function recomputeCheap(roots: readonly Tensor[], graph: ElementwiseGraph): readonly Tensor[] {
  const users = new Map<Node, Later>();
  for (const v of graph.vertices) {
    if (!isWorthIt(v, graph)) continue;
    for (const { node, level } of laterUsers(v)) {
      const later = users.get(node);
      if (later === undefined) users.set(node, { level, nodes: new Set([v.node]) });
      else later.nodes.add(v.node);
    }
  }
  if (users.size === 0) return roots;

  const copies = new Map<Tensor, Map<number, Tensor>>();
  const copyFor = (level: number, value: Tensor): Tensor => {
    const known = copies.get(value) ?? new Map<number, Tensor>();
    copies.set(value, known);
    let copy = known.get(level);
    if (copy === undefined) {
      const { op, inputs, outputs, label } = value.node;
      const node = new Node(op, inputs, outputs);
      node.label = label;
      known.set(level, (copy = node.outputs[0]!));
    }
    return copy;
  };
  return rewrite(roots, (node, inputs) => {
    const later = users.get(node);
    if (later === undefined) return undefined;
    const copied = inputs.map((x, i) => (later.nodes.has(node.inputs[i]!.node) ? copyFor(later.level, x) : x));
    return withInputs(node, copied).outputs;
  });
}

function laterUsers(v: Vertex): readonly Vertex[] {
  return v.uses.map(({ to }) => to).filter(({ level }) => level > v.level);
}

/** Whether some users of v are in its own map and all others can have a copy, for which no more bytes have to wait than v has. */
function isWorthIt(v: Vertex, { delivered }: ElementwiseGraph): boolean {
  if (v.space === undefined || delivered.has(v) || !cheap.has(v.node.op.name)) return false;
  const [out] = v.node.outputs as [Tensor];
  const later = laterUsers(v);
  if (later.length === 0 || later.length === v.uses.length) return false;
  if (!v.uses.every(({ to, joins }) => joins && to.node.inputs.includes(out))) return false;
  // What the map of v computes itself is not kept.
  if (v.dependsOn.some(({ from, joins }) => joins && from.level === v.level)) return false;
  return !mustWait(v, Math.max(...later.map(({ level }) => level)));
}
