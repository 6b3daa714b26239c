/** Puts the bias and the activation that follow a product, of matrices or of images with a kernel, into its last pass over the result. */
import { Node, type Tensor } from '../graph/tensor.js';
import { ConvForward } from '../ops/conv.js';
import { Elementwise } from '../ops/elementwise.js';
import { Gemm } from '../ops/matmul.js';
import { ReshapeOp, reshape } from '../ops/shape.js';
import type { Activation } from './instructions/index.js';
import { type Rule, rewrite } from './rewrite.js';
import { isPerChannel, singleUse } from './uses.js';
import { withoutReshapes } from './view.js';

/** Operations whose instruction adds a bias along the last axis and applies an activation. */
type Product = Gemm | ConvForward;
type Uses = (t: Tensor) => boolean;

export function fuseEpilogues(roots: readonly Tensor[]): readonly Tensor[] {
  return [fuseBias, fuseActivation].reduce((graph, rule) => rewrite(graph, rule(singleUse(graph))), roots);
}

function isProduct(op: Node['op']): op is Product {
  return op instanceof Gemm || op instanceof ConvForward;
}

/** The same product with another activation. */
function withActivation(op: Product, activation: Activation): Product {
  return op instanceof Gemm ? new Gemm(op.transposeA, op.transposeB, activation) : new ConvForward(op.shape, activation);
}

/** The product that `t` renames and nobody else reads. */
function productBehind(t: Tensor, once: Uses): Node | undefined {
  while (once(t) && t.node.op instanceof ReshapeOp) t = t.node.inputs[0]!;
  return once(t) && isProduct(t.node.op) && t.node.op.activation === 'none' ? t.node : undefined;
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
      if (product === undefined) continue;
      const channels = product.outputs[0]!.shape.at(-1)!;
      const [result] = node.outputs as [Tensor];
      if (!isPerChannel(node.inputs[other]!, node.inputs[side]!, result, channels)) continue;
      return [reshape(withEpilogue(withoutReshapes(inputs[side]!).node, 'none', reshape(inputs[other]!, [channels])), result.shape)];
    }
    return undefined;
  };

const fuseActivation =
  (once: Uses): Rule =>
  (node, inputs) => {
    const { op } = node;
    if (!(op instanceof Elementwise) || !(op.name === 'relu' || op.name === 'sigmoid' || op.name === 'tanh')) return undefined;
    if (productBehind(node.inputs[0]!, once) === undefined) return undefined;
    return [reshape(withEpilogue(withoutReshapes(inputs[0]!).node, op.name), node.outputs[0]!.shape)];
  };

function withEpilogue(product: Node, activation: Activation, bias?: Tensor): Tensor {
  const fused = new Node(
    withActivation(product.op as Product, activation),
    bias === undefined ? product.inputs : [...product.inputs, bias],
    product.outputs,
  );
  fused.label = product.label;
  return fused.outputs[0]!;
}
