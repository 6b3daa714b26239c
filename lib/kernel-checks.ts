/** What the raw kernels share: rules for arrays, and errors of this library for what the native side finds. */
import { DataError, NativeError, OptionError, ShapeError } from './errors.js';
import type { NumericArray } from './native.js';
import { type Rule, nonNegativeInteger, required } from './options.js';

/** A whole number ≥ 0. */
export const size: Rule = required(nonNegativeInteger);
export const floats: Rule = { expected: 'a Float32Array', accepts: (value) => value instanceof Float32Array };
export const ints: Rule = { expected: 'an Int32Array', accepts: (value) => value instanceof Int32Array };

export function checkLength(what: string, name: string, array: NumericArray, length: number): void {
  if (array.length < length) throw new ShapeError(`${what}: expected at least ${length} elements for ${name}, got ${array.length}.`);
}

/** Runs a native function; what only it can find out, an overlap or an index in the data, becomes an error of this library. */
export function call(run: () => void): void {
  try {
    run();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    if (cause instanceof RangeError) throw new ShapeError(cause.message, { cause });
    if (cause instanceof TypeError) throw new OptionError(cause.message, { cause });
    if ('code' in cause && cause.code === 'ERR_LANEWISE_INDEX') throw new DataError(cause.message, { cause });
    throw new NativeError(cause.message, { cause });
  }
}
