/** A value whose gradient is given instead of derived, where that is faster or more exact. */
import { DTypeError, ShapeError, formatShape } from '../errors.js';
import { Operation, apply, checkTensor } from '../graph/operation.js';
import { sameShape } from '../graph/shape.js';
import { type Node, Tensor, type TensorType } from '../graph/tensor.js';
import { callable, check, kindOf } from '../options.js';
import { checkTensorList } from './arguments.js';

/** d(loss)/d(input) for each input, from d(loss)/d(y). */
export type Backward = (dy: Tensor) => readonly (Tensor | undefined)[];

/** The first input; gradients go to the others as `backward` says. The compiler puts the first input in its place. */
export class CustomGradient extends Operation {
  readonly name = 'customGradient';

  constructor(readonly backward: Backward) {
    super();
  }

  /** Its value is that of the first input, whatever the gradient. */
  override key(): string {
    return '';
  }

  infer([y]: readonly Tensor[]): readonly TensorType[] {
    return [{ shape: y!.shape, dtype: y!.dtype }];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    if (dy === undefined) return [];
    const inputs = node.inputs.slice(1);
    const dxs: unknown = this.backward(dy);
    if (!areGradients(dxs)) {
      const got = Array.isArray(dxs) ? dxs.map((dx) => kindOf(dx)).join(' and ') : kindOf(dxs);
      throw new DTypeError(`customGradient: expected a list of tensors from backward, undefined for none, got ${got}. Return [dx].`);
    }
    if (dxs.length !== inputs.length || dxs.some((dx, i) => dx !== undefined && !sameShape(dx.shape, inputs[i]!.shape))) {
      const list = (of: readonly (Tensor | undefined)[]): string => of.map((x) => x && formatShape(x.shape)).join(' and ') || 'none';
      throw new ShapeError(`customGradient: expected gradients of the shapes of its inputs, ${list(inputs)}, got ${list(dxs)}.`);
    }
    return [undefined, ...dxs];
  }

  lower(): readonly never[] {
    return [];
  }
}

function areGradients(dxs: unknown): dxs is ReturnType<Backward> {
  return Array.isArray(dxs) && dxs.every((dx) => dx === undefined || dx instanceof Tensor);
}

/**
 * y, with d(loss)/d(inputs) given by `backward` instead of derived from how y was made.
 * @param inputs the tensors y depends on
 * @param backward its int32 and uint8 gradients are read as float32
 * @throws ShapeError, when differentiated, unless backward gives each input a gradient of its shape, or undefined; DTypeError
 *   for what is no list of tensors
 */
export function customGradient(y: Tensor, inputs: readonly Tensor[], backward: Backward): Tensor {
  checkTensor('customGradient', y, 'y');
  checkTensorList('customGradient', inputs);
  check('customGradient', 'backward', backward, callable);
  return apply(new CustomGradient(backward), y, ...inputs);
}
