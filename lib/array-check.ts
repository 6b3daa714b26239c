/** What stands where an array is expected: one made by array(), with its data intact, or an error that says what came. */
import { NdArray, checkIntact } from './array.js';
import { DataError } from './errors.js';
import { type Rule, isMap, kindOf } from './options.js';
import { gotReturned } from './returned.js';

/**
 * @param advice what to do about something else
 * @throws DataError unless it is an array made by array(); StateError if its buffer is gone
 */
export function checkArray(what: string, name: string, x: unknown, advice = 'Wrap it: array(data, shape).'): asserts x is NdArray {
  if (x instanceof NdArray) return checkIntact(what, name, x as NdArray);
  const kind = kindOf(x);
  const remedy = kind === 'NdArray' ? 'It belongs to another copy of lanewise: load only one.' : advice;
  throw new DataError(`${what}: expected ${name} made by array(), ${gotReturned(x, remedy, kind, 'Await it.')}`);
}

export function isNdArray(value: unknown): value is NdArray {
  return value instanceof NdArray;
}

/** Weights or states by path. */
export const arrayMap: Rule = {
  expected: 'a Map of arrays made by array()',
  accepts: (value) => isMap(value) && [...value.values()].every(isNdArray),
};

export const arrayList: Rule = {
  expected: 'a list of arrays made by array()',
  accepts: (value) => Array.isArray(value) && value.every(isNdArray),
};

/** Copies of named arrays: what was given may change. @throws StateError for one whose buffer is gone */
export function copyArrays(what: string, arrays: ReadonlyMap<string, NdArray>): Map<string, NdArray> {
  return new Map(
    [...arrays].map(([path, x]) => {
      checkIntact(what, `"${path}"`, x);
      return [path, new NdArray(x.data.slice(), x.shape)];
    }),
  );
}
