/** A value whose gradient is given instead of derived, where that is faster or more exact. */
import { Operation, apply } from '../graph/operation.js';
import type { Instruction } from '../compile/instruction.js';
import type { Node, Tensor, TensorType } from '../graph/tensor.js';
import { rowMajorStrides } from './shape.js';

/** d(loss)/d(input) for each input, from d(loss)/d(y). */
export type Backward = (dy: Tensor) => readonly (Tensor | undefined)[];

/** The first input; gradients go to the others as `backward` says. The compiler puts the first input in its place. */
export class CustomGradient extends Operation {
  readonly name = 'customGradient';

  constructor(readonly backward: Backward) {
    super();
  }

  /** Its value is that of the first input, whatever the gradient. */
  key(): string {
    return '';
  }

  infer([y]: readonly Tensor[]): readonly TensorType[] {
    return [{ shape: y!.shape, dtype: y!.dtype }];
  }

  override vjp(_node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return dy === undefined ? [] : [undefined, ...this.backward(dy)];
  }

  lower(node: Node): readonly Instruction[] {
    const [out] = node.outputs as [Tensor];
    const strides = rowMajorStrides(out.shape);
    return [{ kind: 'copy', out, in: node.inputs[0]!, dtype: out.dtype, dims: out.shape, inOffset: 0, inStrides: strides, outOffset: 0, outStrides: strides }]; // prettier-ignore
  }
}

/**
 * y, with d(loss)/d(inputs) given by `backward` instead of derived from how y was made.
 * @param inputs the tensors y depends on
 */
export function customGradient(y: Tensor, inputs: readonly Tensor[], backward: Backward): Tensor {
  return apply(new CustomGradient(backward), y, ...inputs);
}
