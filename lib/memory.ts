/** Native memories, as the library asks for them. */
import { NativeError } from './errors.js';
import { type MemoryHandle, type NumericArray, native } from './native.js';
import type { Pieces } from './pieces.js';

/** Bytes copied in one go: a fraction of a millisecond, a few where the memory is new. */
const pieceBytes = 2 ** 20;

/** Zeroed memory of at least one byte. @throws NativeError if the addon cannot be loaded, or the machine has not as much */
export function createMemory(bytes: number): MemoryHandle {
  const addon = native();
  try {
    return addon.createMemory(Math.max(bytes, 1));
  } catch (cause) {
    throw outOfMemory(`${bytes} bytes`, cause);
  }
}

/** @param what how many bytes, and for what */
export function outOfMemory(what: string, cause: unknown): NativeError {
  return new NativeError(`memory: expected ${what}, got none: this machine cannot provide them. Make the model or the batches smaller.`, {
    cause,
  });
}

/** Memory with a copy of these values. */
export function memoryWith(values: NumericArray): MemoryHandle {
  const memory = createMemory(values.byteLength);
  native().writeMemory(memory, 0, values);
  return memory;
}

/** A copy of so many floats of a memory; waits for the step that is changing it, if one is. */
export function readFloats(memory: MemoryHandle, count: number, byteOffset = 0): Float32Array {
  const values = new Float32Array(count);
  native().readMemory(memory, byteOffset, values);
  return values;
}

/** Writes values piece by piece. */
export function* writeInPieces(memory: MemoryHandle, byteOffset: number, values: NumericArray): Pieces<void> {
  const [width, { length }] = [values.BYTES_PER_ELEMENT, values];
  for (let begin = 0; begin < length; begin += pieceBytes / width) {
    native().writeMemory(memory, byteOffset + begin * width, values.subarray(begin, begin + pieceBytes / width));
    yield;
  }
}

/** Fills an array with the floats of a memory piece by piece. */
export function* readInPieces(memory: MemoryHandle, into: Float32Array, byteOffset = 0): Pieces<void> {
  for (let begin = 0; begin < into.length; begin += pieceBytes / 4) {
    native().readMemory(memory, byteOffset + begin * 4, into.subarray(begin, begin + pieceBytes / 4));
    yield;
  }
}
