/** What stands where an array is expected: one made by array(), with its data intact, or an error that says what came. */
import { NdArray, checkIntact } from './array.js';
import { DataError } from './errors.js';
import { kindOf } from './options.js';

/**
 * @param advice what to do about something else
 * @throws DataError unless it is an array made by array(); StateError if its buffer is gone
 */
export function checkArray(what: string, name: string, x: unknown, advice = 'Wrap it: array(data, shape).'): asserts x is NdArray {
  if (x instanceof NdArray) return checkIntact(what, name, x as NdArray);
  const kind = kindOf(x);
  const remedy = kind === 'NdArray' ? 'It belongs to another copy of lanewise: load only one.' : advice;
  throw new DataError(`${what}: expected ${name} made by array(), got ${kind}. ${remedy}`);
}
