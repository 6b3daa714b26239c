/** One value, or several by name: what models give and what they are compared with. */
import { Tensor } from './tensor.js';

/**
 * Tensors by name. Give a type of your own as `type Heads = { digit: Tensor; angle: Tensor }`: TypeScript refuses an interface, which others may add to.
 */
export type NamedTensors<Name extends string = string> = Readonly<Record<Name, Tensor>>;

/** What a model gives: a tensor, or several by name. */
export type Outputs = Tensor | NamedTensors;

/** Values by name, in order; one alone has the name ''. */
export type Parts<T> = readonly (readonly [name: string, value: T])[];

/** The tensors of outputs that `isOutputs` accepts. */
export function partsOf(outputs: Outputs): Parts<Tensor> {
  return outputs instanceof Tensor ? [['', outputs]] : Object.entries(outputs);
}

/** The inverse of taking apart: a value, or an object of several. */
export function whole<T>(parts: Parts<T>): T | Readonly<Record<string, T>> {
  return parts.length === 1 && parts[0]![0] === '' ? parts[0]![1] : Object.fromEntries(parts);
}

export function mapParts<T, U>(parts: Parts<T>, f: (value: T, name: string) => U): Parts<U> {
  return parts.map(([name, value]) => [name, f(value, name)]);
}

/** What to do with outputs by name in place of a tensor; undefined of anything else. */
export function oneByName(value: unknown): string | undefined {
  return isOutputs(value) && !(value instanceof Tensor) ? `Take one of its tensors: ${Object.keys(value).join(', ')}.` : undefined;
}

/** Whether it is a tensor, or an object of tensors by names that are not empty, one at least. */
export function isOutputs(value: unknown): value is Outputs {
  if (value instanceof Tensor) return true;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return entries.length > 0 && entries.every(([name, part]) => name !== '' && part instanceof Tensor);
}
