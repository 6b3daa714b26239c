/** The index spaces of elementwise nodes. */
import { type Node, type Tensor, sizeOf } from '../graph/tensor.js';
import type { Elementwise } from '../ops/elementwise.js';
import { rowMajorStrides } from '../ops/shape.js';
import type { Vertex } from './fuse.js';
import type { Member } from './map.js';
import type { Operands } from './operands.js';
import { type View, collapse, isContiguous } from './view.js';

/** The smallest index space a node's inputs can be walked in, and how. */
export interface Space {
  readonly dims: readonly number[];
  readonly key: string;
  readonly inputs: readonly View[];
}

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

/** A node of one dimension can be walked in any space of its size: it takes that of a neighbour, so that they can be joined. */
export function chooseSpaces(vertices: readonly Vertex[], byOutput: ReadonlyMap<Tensor, Vertex>): void {
  const fromInputs = (v: Vertex): void => {
    if (!isFlat(v)) return;
    for (const view of v.space!.inputs) {
      const producer = byOutput.get(view.base);
      if (producer?.space !== undefined && !isFlat(producer) && adopt(v, producer.space)) return;
    }
  };
  const toInputs = (v: Vertex): void => {
    if (v.space === undefined || isFlat(v)) return;
    for (const { base, offset, strides } of v.space.inputs) {
      const producer = byOutput.get(base);
      if (producer !== undefined && isFlat(producer) && offset === 0 && isContiguous(v.space.dims, strides)) adopt(producer, v.space);
    }
  };
  vertices.forEach(fromInputs);
  vertices.toReversed().forEach(toInputs);
  vertices.forEach(fromInputs);
}

function isFlat(v: Vertex): boolean {
  return v.space !== undefined && v.space.dims.length === 1;
}

/** Gives a flat node the space of another of the same size. */
function adopt(v: Vertex, { dims, key }: Space): boolean {
  if (sizeOf(dims) !== v.space!.dims[0]) return false;
  const whole = rowMajorStrides(dims);
  const repeated = dims.map(() => 0);
  v.space = { dims, key, inputs: v.space!.inputs.map((view) => ({ ...view, strides: view.strides[0] === 0 ? repeated : whole })) };
  return true;
}
