/** Groups elementwise nodes over one index space into maps. */
import type { Node, Shape, Tensor } from '../graph/tensor.js';
import { Elementwise } from '../ops/elementwise.js';
import type { Group } from './map.js';
import type { Operands } from './operands.js';
import { type View, collapse } from './view.js';

export interface Grouping {
  readonly groups: readonly Group[];
  /** Whether a group's tensor is read outside it. */
  isOutput(t: Tensor): boolean;
}

export function groupElementwise(order: readonly Node[], operands: Operands, _values: readonly Tensor[], _committed: ReadonlySet<Tensor>, _fuse: boolean): Grouping {
  const groups: Group[] = [];
  for (const node of order) {
    if (!(node.op instanceof Elementwise)) continue;
    const views = node.inputs.map((x) => operands.elementwise(node, x));
    const { dims, inputs } = indexSpace(node.outputs[0]!.shape, views);
    groups.push({ dims, members: [{ node, op: node.op, inputs }] });
  }
  return { groups, isOutput: () => true };
}

/** The smallest index space the views can be walked in. */
export function indexSpace(shape: Shape, views: readonly View[]): { dims: Shape; inputs: readonly View[] } {
  const { dims, strides } = collapse(shape, views.map((view) => view.strides)); // prettier-ignore
  return { dims, inputs: views.map((view, i) => ({ ...view, strides: strides[i]! })) };
}
