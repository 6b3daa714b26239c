/** The element types of safetensors files, and what they become here: float32, int32 or uint8. */
import type { NumericArray } from '../native.js';

/** Makes the error of a value, the one at `index`, that does not fit. */
export type Refuse = (expected: string, value: number | bigint, index: number) => Error;

export interface StoredType {
  /** Of one element. */
  readonly bytes: number;
  /** What the elements become. */
  readonly Kind: Float32ArrayConstructor | Int32ArrayConstructor | Uint8ArrayConstructor;
  /** The elements in these bytes, of which some types are the values as they are. @throws what `refuse` makes */
  readonly decode: (bytes: ArrayBuffer, refuse: Refuse) => NumericArray | Float64Array | Int16Array | Uint16Array | Int8Array;
}

/** By the format's names. It has 8-bit floats and complex numbers too, which are not read. */
export const storedTypes: ReadonlyMap<unknown, StoredType> = new Map<string, StoredType>([
  ['F64', { bytes: 8, Kind: Float32Array, decode: (bytes) => new Float64Array(bytes) }],
  ['F32', { bytes: 4, Kind: Float32Array, decode: (bytes) => new Float32Array(bytes) }],
  ['F16', { bytes: 2, Kind: Float32Array, decode: (bytes) => fromHalf(new Uint16Array(bytes)) }],
  ['BF16', { bytes: 2, Kind: Float32Array, decode: (bytes) => fromBrain(new Uint16Array(bytes)) }],
  ['I64', { bytes: 8, Kind: Int32Array, decode: (bytes, refuse) => toInt32(new BigInt64Array(bytes), refuse) }],
  ['U64', { bytes: 8, Kind: Int32Array, decode: (bytes, refuse) => toInt32(new BigUint64Array(bytes), refuse) }],
  ['I32', { bytes: 4, Kind: Int32Array, decode: (bytes) => new Int32Array(bytes) }],
  ['U32', { bytes: 4, Kind: Int32Array, decode: (bytes, refuse) => toInt32(new Uint32Array(bytes), refuse) }],
  ['I16', { bytes: 2, Kind: Int32Array, decode: (bytes) => new Int16Array(bytes) }],
  ['U16', { bytes: 2, Kind: Int32Array, decode: (bytes) => new Uint16Array(bytes) }],
  ['I8', { bytes: 1, Kind: Int32Array, decode: (bytes) => new Int8Array(bytes) }],
  ['U8', { bytes: 1, Kind: Uint8Array, decode: (bytes) => new Uint8Array(bytes) }],
  ['BOOL', { bytes: 1, Kind: Uint8Array, decode: (bytes, refuse) => booleans(new Uint8Array(bytes), refuse) }],
]);

/** Half precision: a sign, 5 bits of exponent, 10 of fraction. Exact. */
function fromHalf(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  const units = Float32Array.from({ length: 32 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 25));
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    let size = (exponent === 0 ? fraction : 1024 + fraction) * units[exponent]!;
    if (exponent === 31) size = fraction === 0 ? Infinity : NaN;
    values[i] = half < 0x8000 ? size : -size;
  }
  return values;
}

/** bfloat16 is the upper half of a float32. Exact. */
function fromBrain(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

function toInt32(values: BigInt64Array | BigUint64Array | Uint32Array, refuse: Refuse): Int32Array {
  const result = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < -(2 ** 31) || value >= 2 ** 31) throw refuse('whole numbers of int32', value, i);
    result[i] = Number(value);
  }
  return result;
}

function booleans(values: Uint8Array, refuse: Refuse): Uint8Array {
  const at = values.findIndex((value) => value > 1);
  if (at >= 0) throw refuse('0 or 1', values[at]!, at);
  return values;
}
