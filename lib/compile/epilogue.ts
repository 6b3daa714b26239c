/** Puts the bias and the activation that follow a matrix product into its last pass over the result. */
import { Node, type Tensor } from '../graph/tensor.js';
import { Elementwise } from '../ops/elementwise.js';
import { Gemm } from '../ops/matmul.js';
import { Reshape, reshape } from '../ops/shape.js';
import type { Activation } from './instruction.js';
import { topologicalOrder } from './order.js';
import { type Rule, rewrite } from './rewrite.js';

export function fuseEpilogues(roots: readonly Tensor[]): readonly Tensor[] {
  return [fuseBias, fuseActivation].reduce((graph, rule) => rewrite(graph, rule(singleUse(graph))), roots);
}

type Uses = (t: Tensor) => boolean;

/** Tells which tensors have one reader. */
function singleUse(roots: readonly Tensor[]): Uses {
  const uses = new Map<Tensor, number>();
  const count = (t: Tensor): unknown => uses.set(t, (uses.get(t) ?? 0) + 1);
  for (const node of topologicalOrder(roots)) node.inputs.forEach(count);
  roots.forEach(count);
  return (t) => uses.get(t) === 1;
}

/** The product that `t` renames and nobody else reads. */
function productBehind(t: Tensor, once: Uses): Node | undefined {
  while (once(t) && t.node.op instanceof Reshape) t = t.node.inputs[0]!;
  return once(t) && t.node.op instanceof Gemm && t.node.op.activation === 'none' ? t.node : undefined;
}

/** The rewritten product, found again through the same renamings. */
function rewritten(t: Tensor): Node {
  while (t.node.op instanceof Reshape) t = t.node.inputs[0]!;
  return t.node;
}

const fuseBias =
  (once: Uses): Rule =>
  (node, inputs) => {
    const { op } = node;
    if (!(op instanceof Elementwise) || op.name !== 'add') return undefined;
    for (const [side, other] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const product = productBehind(node.inputs[side]!, once);
      const bias = node.inputs[other]!;
      if (product === undefined || product.inputs.length > 2) continue;
      const columns = product.outputs[0]!.shape[2]!;
      const perColumn = bias.size === columns && bias.shape.at(-1) === columns && bias.dtype === 'float32';
      const { shape } = node.outputs[0]!;
      if (!perColumn || shape.at(-1) !== columns || node.inputs[side]!.size !== node.outputs[0]!.size) continue;
      return [reshape(withEpilogue(rewritten(inputs[side]!), 'none', reshape(inputs[other]!, [columns])), shape)];
    }
    return undefined;
  };

const fuseActivation =
  (once: Uses): Rule =>
  (node, inputs) => {
    const { op } = node;
    if (!(op instanceof Elementwise) || !(op.name === 'relu' || op.name === 'sigmoid' || op.name === 'tanh')) return undefined;
    if (productBehind(node.inputs[0]!, once) === undefined) return undefined;
    return [reshape(withEpilogue(rewritten(inputs[0]!), op.name), node.outputs[0]!.shape)];
  };

function withEpilogue(product: Node, activation: Activation, bias?: Tensor): Tensor {
  const { transposeA, transposeB } = product.op as Gemm;
  const fused = new Node(
    new Gemm(transposeA, transposeB, activation),
    bias === undefined ? product.inputs : [...product.inputs, bias],
    product.outputs,
  );
  fused.label = product.label;
  return fused.outputs[0]!;
}
