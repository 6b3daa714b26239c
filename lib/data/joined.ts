/** The elements of arrays one after another. */
import { NdArray } from '../array.js';
import type { Shape } from '../graph/shape.js';
import type { NumericArray } from '../native.js';
import { type Kind, newArray } from './new-array.js';

/** @param arrays at least one, all of one element type. @throws OptionError if the result does not fit into memory */
export function joined<T extends NumericArray>(what: string, arrays: readonly NdArray<T>[], shape: Shape): NdArray<T> {
  const data = newArray(what, arrays[0]!.data.constructor as Kind<T>, shape, 'Take fewer at once.');
  let at = 0;
  for (const x of arrays) {
    data.set(x.data, at);
    at += x.size;
  }
  return new NdArray(data, shape);
}
