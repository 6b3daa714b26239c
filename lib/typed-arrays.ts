/** Typed arrays by what they are, not by their class: a Buffer is of a subclass, those of another context (`vm`, test runners) are of other classes. */
import { StateError } from './errors.js';
import type { DType } from './graph/tensor.js';
import type { NumericArray } from './native.js';

const classes = { Float32Array, Int32Array, Uint8Array } as const;
const dtypes = { Float32Array: 'float32', Int32Array: 'int32', Uint8Array: 'uint8' } as const satisfies Record<keyof typeof classes, DType>;

function nameOf(x: NumericArray): keyof typeof classes {
  return x[Symbol.toStringTag];
}

export function isNumericArray(x: unknown): x is NumericArray {
  return ArrayBuffer.isView(x) && Symbol.toStringTag in x && String(x[Symbol.toStringTag]) in classes;
}

export function dtypeOf(x: NumericArray): DType {
  return dtypes[nameOf(x)];
}

export function isFloats(x: unknown): x is Float32Array {
  return isNumericArray(x) && dtypeOf(x) === 'float32';
}

export function isInts(x: unknown): x is Int32Array {
  return isNumericArray(x) && dtypeOf(x) === 'int32';
}

export function isBytes(x: unknown): x is Uint8Array {
  return isNumericArray(x) && dtypeOf(x) === 'uint8';
}

/** A typed array or DataView, of any context. */
type View = ArrayBufferView & { readonly [Symbol.toStringTag]: string; keys?(): unknown };

export function isView(x: unknown): x is View {
  return ArrayBuffer.isView(x);
}

/** @throws StateError if its buffer was detached or has shrunk, which only an array without elements can be */
export function checkAttached(what: string, x: View): void {
  if (x.byteLength > 0) return;
  try {
    x.keys?.();
  } catch (cause) {
    throw new StateError(
      `${what}: expected the elements of a ${x[Symbol.toStringTag]}, got none: its buffer was detached or resized. Make a new one.`,
      { cause },
    );
  }
}

/** The same elements as an array of the plain class, whose `slice` is a copy: that of a Buffer is a view. @throws StateError if its buffer was detached or has shrunk */
export function plain<T extends NumericArray>(what: string, x: T): T {
  checkAttached(what, x);
  const Kind = classes[nameOf(x)];
  return x.constructor === Kind ? x : (new Kind(x.buffer as ArrayBuffer, x.byteOffset, x.length) as T);
}

/** A view of the memory. */
export function bytesOf(x: NumericArray): Uint8Array {
  return new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
}
