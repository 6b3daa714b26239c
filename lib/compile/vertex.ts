/** Elementwise nodes in the dependence graph, as grouping, index spaces and the limits of maps see them. */
import type { Node } from '../graph/tensor.js';
import type { View } from './view.js';

/** The smallest index space a node's inputs can be walked in, and how. */
export interface Space {
  readonly dims: readonly number[];
  readonly key: string;
  readonly inputs: readonly View[];
}

/** A node that computes something, in the dependence graph without views. */
export interface Vertex {
  readonly node: Node;
  /** Only elementwise nodes have an index space. */
  space: Space | undefined;
  readonly uses: Edge[];
  readonly dependsOn: Edge[];
  level: number;
  group: number;
}

export interface Edge {
  readonly from: Vertex;
  readonly to: Vertex;
  /** Whether both may be in one map. */
  readonly joins: boolean;
}
