import { DTypeError, ShapeError, formatShape } from '../errors.js';
import { type Shape, sameShape } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { gotReturned } from '../returned.js';

/** @throws ShapeError, DTypeError unless it is a tensor of this shape, which `name` has */
export function checkValue(what: string, name: string, shape: Shape, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor)) throw new DTypeError(`${what}: expected a tensor for ${name}, ${gotReturned(value)}`);
  if (!sameShape(shape, value.shape))
    throw new ShapeError(`${what}: expected a value of shape ${formatShape(shape)} for ${name}, got ${formatShape(value.shape)}.`);
}
