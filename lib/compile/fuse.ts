/**
 * Groups elementwise nodes into maps. Each node gets a level: along a dependence the level stays within a map and grows by one
 * between maps, so nodes of one level and one index space can always be joined without a cycle.
 */
import { append } from '../append.js';
import { sizeOf } from '../graph/shape.js';
import { type Node, type Tensor, byteSize } from '../graph/tensor.js';
import { numbering } from '../numbering.js';
import { Elementwise } from '../ops/elementwise.js';
import { splitToFit } from './map-limits.js';
import type { Group } from './map.js';
import type { Operands } from './operands.js';
import { chooseSpaces, memberOver, sameSpace, spaceOf } from './space.js';
import type { Edge, Vertex } from './vertex.js';
import { isContiguous, isView } from './view.js';

export interface Grouping {
  readonly groups: readonly Group[];
  /** Whether a group's tensor is read outside it. */
  readonly isOutput: (t: Tensor) => boolean;
}

/** The nodes that compute something and how they depend on each other. */
export interface ElementwiseGraph {
  readonly vertices: readonly Vertex[];
  readonly byOutput: ReadonlyMap<Tensor, Vertex>;
  /** Those whose value the program delivers, or keeps beyond the step. */
  readonly delivered: ReadonlyMap<Vertex, 'result' | 'commit'>;
}

/** @param writes values the program delivers; @param committed those of them that outlive the step */
export function elementwiseGraph(
  order: readonly Node[],
  operands: Operands,
  writes: readonly Tensor[],
  committed: ReadonlySet<Tensor>,
): ElementwiseGraph {
  const vertices = makeVertices(order, operands);
  const byOutput = new Map<Tensor, Vertex>(vertices.flatMap((v) => v.node.outputs.map((t) => [t, v] as const)));
  chooseSpaces(vertices, byOutput);
  connect(vertices, byOutput, operands);
  const delivered = new Map<Vertex, 'result' | 'commit'>();
  for (const value of writes) {
    const v = byOutput.get(operands.locate(value).base);
    if (v !== undefined && delivered.get(v) !== 'result') delivered.set(v, committed.has(value) ? 'commit' : 'result');
  }
  sink(vertices, delivered);
  return { vertices, byOutput, delivered };
}

export function groupElementwise(graph: ElementwiseGraph, fuse: boolean): Grouping {
  const { vertices, byOutput, delivered } = graph;
  const parts = fuse ? components(graph) : vertices.filter((v) => v.space !== undefined).map((v) => [v]);
  const groups: Group[] = [];
  for (const part of parts) {
    for (const chunk of splitToFit(part, delivered)) {
      for (const v of chunk) v.group = groups.length;
      groups.push({ dims: chunk[0]!.space!.dims, members: chunk.map((v) => memberOver(v.node, v.space!)) });
    }
  }
  const isOutput = (t: Tensor): boolean => {
    const v = byOutput.get(t)!;
    return delivered.has(v) || v.uses.some((use) => use.to.group !== v.group);
  };
  return { groups, isOutput };
}

function makeVertices(order: readonly Node[], operands: Operands): Vertex[] {
  return order.flatMap((node): Vertex[] => {
    const computes = node.inputs.length > 0 || node.op.lower(node).length > 0;
    const written = operands.isWritten(node.outputs[0]!);
    if ((isView(node.op) || !computes) && !written) return [];
    const space = node.op instanceof Elementwise ? spaceOf(node, operands) : undefined;
    return [{ node, space, uses: [], dependsOn: [], level: 0, group: -1 }];
  });
}

function connect(vertices: readonly Vertex[], byOutput: ReadonlyMap<Tensor, Vertex>, operands: Operands): void {
  for (const to of vertices) {
    const inputs =
      to.space?.inputs ??
      to.node.inputs.map((x) => (isView(to.node.op) ? operands.source(to.node.outputs[0]!) : { ...operands.locate(x), strides: [] }));
    for (const { base, strides } of inputs) {
      const from = byOutput.get(base);
      if (from === undefined) continue;
      const joins =
        from.space !== undefined &&
        to.space !== undefined &&
        // A value becomes an integer only when it is stored.
        base.dtype === 'float32' &&
        // As large as `base`, which is then read from its beginning.
        sameSpace(from.space, to.space) &&
        isContiguous(to.space.dims, strides);
      const edge = { from, to, joins };
      from.uses.push(edge);
      to.dependsOn.push(edge);
      to.level = Math.max(to.level, from.level + step(edge));
    }
  }
}

/** By how much the level grows at least. */
function step({ joins }: Edge): 0 | 1 {
  return joins ? 0 : 1;
}

/** Nodes to be computed by one map each, inputs before users. */
function components(graph: ElementwiseGraph): readonly (readonly Vertex[])[] {
  const { vertices } = graph;
  const late = onlyCommitted(graph);
  const parent = new Map<Vertex, Vertex>();
  const find = (v: Vertex): Vertex => {
    let root = v;
    for (let up = parent.get(root); up !== undefined; up = parent.get(root)) root = up;
    while (v !== root) {
      const up = parent.get(v)!;
      parent.set(v, root);
      v = up;
    }
    return root;
  };
  const join = (a: Vertex, b: Vertex): void => {
    const [rootA, rootB] = [find(a), find(b)];
    if (rootA !== rootB) parent.set(rootB, rootA);
  };

  const readers = new Map<string, Vertex>();
  const id = numbering();
  for (const v of vertices) {
    if (v.space === undefined) continue;
    for (const { joins, from } of v.dependsOn) {
      if (joins && from.level === v.level && late.has(from) === late.has(v)) join(from, v);
    }
    // Siblings that read the same whole array read it once.
    const size = sizeOf(v.space.dims);
    for (const { base } of v.space.inputs) {
      if (base.size !== size || size === 1) continue;
      const key = `${id(base)}:${v.space.key}:${v.level}:${late.has(v)}`;
      const sibling = readers.get(key);
      if (sibling === undefined) readers.set(key, v);
      else join(sibling, v);
    }
  }
  const parts = new Map<Vertex, Vertex[]>();
  for (const v of vertices) {
    if (v.space === undefined) continue;
    append(parts, find(v), v);
  }
  return [...parts.values()];
}

/**
 * Moves nodes to the level of their first user, so that they join it: a mask derived in the backward pass from what the forward
 * pass keeps anyway. Not where more bytes would have to wait than the node gives.
 */
function sink(vertices: readonly Vertex[], delivered: ElementwiseGraph['delivered']): void {
  for (const v of vertices.toReversed()) {
    if (v.space === undefined || v.uses.length === 0 || delivered.get(v) === 'result') continue;
    const target = Math.min(...v.uses.map((use) => use.to.level - step(use)));
    if (target <= v.level) continue;
    if (!mustWait(v, target)) v.level = target;
  }
}

/** Whether more bytes would have to wait until `level` for v than it has. Values of rows or columns are small beside it. */
export function mustWait(v: Vertex, level: number): boolean {
  const [out] = v.node.outputs as [Tensor];
  let waiting = 0;
  for (const from of new Set(v.dependsOn.map((edge) => edge.from))) {
    const [input] = from.node.outputs as [Tensor];
    const isKept = from.uses.some((use) => use.to !== v && use.to.level >= level);
    if (!isKept && input.size >= out.size) waiting += byteSize(input);
  }
  return waiting > byteSize(out);
}

/**
 * Nodes that serve committed values only. They are kept apart from the others: a map that commits runs after everything else,
 * and nothing else may wait for it.
 */
function onlyCommitted({ vertices, delivered }: ElementwiseGraph): ReadonlySet<Vertex> {
  const late = new Set<Vertex>();
  for (const v of vertices.toReversed()) {
    if (v.space === undefined || delivered.get(v) === 'result') continue;
    const useful = delivered.has(v) || v.uses.length > 0;
    if (useful && v.uses.every(({ to, joins }) => joins && to.level === v.level && late.has(to))) late.add(v);
  }
  return late;
}
