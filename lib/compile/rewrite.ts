import { label } from '../graph/label.js';
import { topologicalOrder } from '../graph/order.js';
import { Node, type Tensor } from '../graph/tensor.js';

/** The outputs that replace those of a node whose inputs are already rewritten; undefined keeps the node. */
export type Rule = (node: Node, inputs: readonly Tensor[]) => readonly Tensor[] | undefined;

/** A graph like that behind `roots` with every node passed through `rule`, inputs first. The given graph is left as it is. */
export function rewrite(roots: readonly Tensor[], rule: Rule): readonly Tensor[] {
  const replaced = new Map<Tensor, Tensor>();
  for (const node of topologicalOrder(roots)) {
    const inputs = node.inputs.map((x) => replaced.get(x)!);
    const outputs = rule(node, inputs) ?? withInputs(node, inputs).outputs;
    label(outputs, node.label, inputs);
    node.outputs.forEach((output, i) => replaced.set(output, outputs[i]!));
  }
  return roots.map((root) => replaced.get(root)!);
}

/** The node itself if its inputs are these, otherwise one like it. */
export function withInputs(node: Node, inputs: readonly Tensor[]): Node {
  if (inputs.every((x, i) => x === node.inputs[i])) return node;
  const copy = new Node(node.op, inputs, node.outputs);
  copy.label = node.label;
  return copy;
}
