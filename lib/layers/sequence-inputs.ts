/** What layers over sequences are given. */
import { ShapeError, formatShape } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { checkInputCount } from './input-count.js';
import type { Scope } from './scope.js';

/** The inputs of a sequence layer in a model: x [N, T, I], and lengths int32 [N] where rows differ. */
export type SequenceInputs = [x: Tensor] | [x: Tensor, lengths: Tensor];

/** The two ways `forward` is called, as one. @throws ShapeError for any other number of inputs */
export function sequenceArguments(
  what: string,
  args: readonly [...SequenceInputs, Scope],
): {
  readonly x: Tensor;
  readonly lengths: Tensor | undefined;
  readonly scope: Scope;
} {
  checkInputCount(what, args, [1, 2], 'x, or x and lengths');
  return args.length === 2 ? { x: args[0], lengths: undefined, scope: args[1] } : { x: args[0], lengths: args[1], scope: args[2] };
}

/** N and T of x [N, T, I]. @throws ShapeError if it is none, or has no step */
export function checkSequence(what: string, { shape }: Tensor): readonly [number, number] {
  const [n, t, features] = shape;
  if (shape.length !== 3) {
    throw new ShapeError(
      `${what}: expected x of rank 3 [N, T, I], got ${formatShape(shape)}. Numbers of one feature need a last dimension of 1, ids an embedding.`,
    );
  }
  if (t === 0 || features === 0) {
    throw new ShapeError(`${what}: expected at least one step and one feature in x [N, T, I], got ${formatShape(shape)}.`);
  }
  return [n!, t!];
}
