import { Constant, constant } from '../graph/source.js';
import type { Tensor } from '../graph/tensor.js';
import { Elementwise } from '../ops/elementwise.js';
import { rewrite, withInputs } from './rewrite.js';
import { isView } from './view.js';

/** Elements up to which a repeated number is kept in the program's constants rather than written anew in every step. */
const maxSize = 4096;

/** Gives operations that need an array, such as the gradient of a mean, an array of the program for a repeated number. */
export function storeConstants(roots: readonly Tensor[]): readonly Tensor[] {
  return rewrite(roots, (node, inputs) => {
    if (node.op instanceof Elementwise || isView(node.op)) return undefined;
    return withInputs(node, inputs.map((x) => (x.size <= maxSize ? stored(x) : x))).outputs; // prettier-ignore
  });
}

function stored(x: Tensor): Tensor {
  let source = x;
  while (isView(source.node.op)) source = source.node.inputs[0]!;
  const { op } = source.node;
  return op instanceof Constant ? constant(new Float32Array(x.size).fill(op.value), x.shape) : x;
}
