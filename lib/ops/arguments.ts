/** What operations check of their arguments before they look into them. */
import { NdArray } from '../array.js';
import { DTypeError, ShapeError } from '../errors.js';
import { checkTensor } from '../graph/operation.js';
import { Tensor } from '../graph/tensor.js';
import { type Rule, kindOf, show } from '../options.js';

/** An option that is a tensor. */
export const tensor: Rule = { expected: 'a tensor', accepts: (value) => value instanceof Tensor };

/** A number, not finite ones too. */
export const number: Rule = { expected: 'a number', accepts: (value) => typeof value === 'number' };

/** @throws DTypeError unless all operands, by name, are tensors */
export function checkTensors(what: string, operands: Readonly<Record<string, unknown>>): void {
  for (const [name, x] of Object.entries(operands)) checkTensor(what, x, name);
}

/**
 * @param ofArrays the function that does the like to arrays
 * @throws DTypeError unless it is a list of tensors
 */
export function checkTensorList(what: string, xs: unknown, ofArrays = ''): void {
  if (!Array.isArray(xs)) throw new DTypeError(`${what}: expected a list of tensors, got ${kindOf(xs)}. Put all of them in one list.`);
  if (ofArrays !== '' && xs.length > 0 && xs.every((x) => x instanceof NdArray))
    throw new DTypeError(`${what}: expected a list of tensors, got one of arrays. Put arrays together by ${ofArrays}.`);
  for (const x of xs as unknown[]) checkTensor(what, x);
}

/** @throws ShapeError unless it is a list of numbers, such as sizes of which one may be −1, or axes */
export function checkNumbers(what: string, name: string, list: unknown): void {
  if (Array.isArray(list) && list.every((n) => typeof n === 'number')) return;
  throw new ShapeError(`${what}: expected a list of numbers for ${name}, got ${show(list)}. Put all of them in one list.`);
}
