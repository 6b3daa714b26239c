/** What the raw kernels share: rules for arrays, and errors of this library for what the native side finds. */
import { DataError, LanewiseError, NativeError, OptionError, ShapeError } from '../errors.js';
import type { NumericArray } from '../native.js';
import { type Rule, nonNegativeInteger, required } from '../options.js';
import { wrongIndex } from '../reason.js';
import { isFloats, isInts } from '../typed-arrays.js';

/** A whole number ≥ 0. */
export const size: Rule = required(nonNegativeInteger);
export const floats: Rule = { expected: 'a Float32Array', accepts: isFloats };
export const ints: Rule = { expected: 'an Int32Array', accepts: isInts };
/** An id, or what stands for none. */
export const index: Rule = {
  expected: 'a whole number that int32 holds',
  accepts: (x) => Number.isInteger(x) && Number(x) === (Number(x) | 0),
};

export function checkLength(what: string, name: string, array: NumericArray, length: number): void {
  if (array.length < length) throw new ShapeError(`${what}: expected at least ${length} elements for ${name}, got ${array.length}.`);
}

/** Arrays by name with the elements of each that are read or written. */
export type Extents = Readonly<Record<string, readonly [array: Float32Array | undefined, length: number]>>;

/** @throws ShapeError unless those that are given are long enough */
export function checkLengths(what: string, arrays: Extents): void {
  for (const [name, [array, length]] of Object.entries(arrays)) if (array !== undefined) checkLength(what, name, array, length);
}

/** @throws ShapeError unless what is written lies apart from the rest. Lengths are checked. */
export function checkApart(what: string, written: Extents, rest: Extents): void {
  const others = Object.entries({ ...written, ...rest });
  for (const [out, extent] of Object.entries(written)) {
    const other = others.find(([name, of]) => name !== out && overlap(extent, of));
    if (other !== undefined) throw new ShapeError(`${what}: ${overlapping(out, other[0])}`);
  }
}

function overlap([a, m]: Extents[string], [b, n]: Extents[string]): boolean {
  if (a === undefined || b === undefined || a.buffer !== b.buffer || m === 0 || n === 0) return false;
  return a.byteOffset < b.byteOffset + n * b.BYTES_PER_ELEMENT && b.byteOffset < a.byteOffset + m * a.BYTES_PER_ELEMENT;
}

function overlapping(out: string, other: string): string {
  return `expected ${out} apart from ${other}, got arrays that overlap. Give ${out} an array of its own.`;
}

/** What the addon says of an error, in a bad index also where it stands. */
type Failure = Error & { readonly code: unknown } & Readonly<Record<'position' | 'value', number>>;

/**
 * Runs a native function for the kernel `what`; what only it can find out, an overlap or an index in the data, becomes an error of this
 * library that names the kernel. What has nothing to do with its arguments, as a missing addon, keeps its message.
 * @param names what the kernel calls an operand, by the name the native side has for it, where that is another
 * @param rows that an index in the data may name
 */
export function call(what: string, run: () => void, names: Readonly<Record<string, string>> = {}, rows = 0): void {
  try {
    run();
  } catch (cause) {
    if (cause instanceof LanewiseError || !(cause instanceof Error)) throw cause;
    const { code, position, value } = cause as Failure;
    if (code === 'ERR_LANEWISE_INDEX') throw new DataError(`${what}: ${wrongIndex(value, rows)} at position ${position}.`, { cause });
    if (code !== 'ERR_LANEWISE_ARGUMENT') throw new NativeError(cause.message, { cause });
    const message = cause.message
      .replace(/^\w+: /, `${what}: `)
      .replace(/expected (\w+) apart from (\w+), .*/, (_, out: string, other: string) =>
        overlapping(names[out] ?? out, names[other] ?? other),
      )
      .replace(/(?<!\.)$/, '.');
    throw cause instanceof TypeError ? new OptionError(message, { cause }) : new ShapeError(message, { cause });
  }
}
