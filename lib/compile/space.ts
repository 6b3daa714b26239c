/** The index spaces of elementwise nodes. */
import { rowMajorStrides, sizeOf } from '../graph/shape.js';
import type { Node, Tensor } from '../graph/tensor.js';
import type { Elementwise } from '../ops/elementwise.js';
import type { Member } from './map.js';
import type { Operands } from './operands.js';
import type { Space, Vertex } from './vertex.js';
import { collapse, isContiguous } from './view.js';

export function spaceOf(node: Node, operands: Operands): Space {
  const views = node.inputs.map((x) => operands.elementwise(node, x));
  const { dims, strides } = collapse(node.outputs[0]!.shape, views.map((view) => view.strides)); // prettier-ignore
  return { dims, key: dims.join(), inputs: views.map((view, i) => ({ ...view, strides: strides[i]! })) };
}

export function sameSpace(a: Space, b: Space): boolean {
  return a.key === b.key;
}

export function memberOver(node: Node, { inputs }: Space): Member {
  return { node, op: node.op as Elementwise, inputs };
}

/** A node can be walked in any space that divides its dimensions further: it takes that of a neighbour, so that they can be joined. */
export function chooseSpaces(vertices: readonly Vertex[], byOutput: ReadonlyMap<Tensor, Vertex>): void {
  const fromInputs = (v: Vertex): void => {
    if (v.space === undefined) return;
    for (const view of v.space.inputs) {
      const producer = byOutput.get(view.base);
      if (producer?.space !== undefined && adopt(v, producer.space)) return;
    }
  };
  const toInputs = (v: Vertex): void => {
    if (v.space === undefined) return;
    for (const { base, offset, strides } of v.space.inputs) {
      const producer = byOutput.get(base);
      if (producer?.space !== undefined && offset === 0 && isContiguous(v.space.dims, strides)) adopt(producer, v.space);
    }
  };
  vertices.forEach(fromInputs);
  vertices.toReversed().forEach(toInputs);
  vertices.forEach(fromInputs);
}

/** In rows of fewer columns a map copies what does not follow them, which costs more than a pass of its own. */
const leastColumns = 16;

/** Gives a node a space that divides its own further; one of several dimensions only where rows stay long. @returns whether it does */
function adopt(v: Vertex, { dims, key }: Space): boolean {
  const space = v.space!;
  if (space.dims.length > 1 && dims.at(-1)! < leastColumns) return false;
  const parts = dims.length > space.dims.length ? divided(space.dims, dims) : undefined;
  if (parts === undefined) return false;
  const inputs = space.inputs.map((view) => ({
    ...view,
    strides: view.strides.flatMap((stride, i) => rowMajorStrides(parts[i]!).map((inner) => stride * inner)),
  }));
  v.space = { dims, key, inputs };
  return true;
}

/** The dimensions of `into` that each of `dims` is divided into; undefined if they cut across each other. */
function divided(dims: readonly number[], into: readonly number[]): readonly (readonly number[])[] | undefined {
  let next = 0;
  const parts: number[][] = [];
  for (const n of dims) {
    const part: number[] = [];
    for (let size = 1; size < n && next < into.length; next++) {
      part.push(into[next]!);
      size *= into[next]!;
    }
    if (sizeOf(part) !== n) return undefined;
    parts.push(part);
  }
  return next === into.length ? parts : undefined;
}
