/** Native memories, as the library asks for them. */
import { NativeError } from './errors.js';
import { type MemoryHandle, type NumericArray, native } from './native.js';

/** Zeroed memory of at least one byte. @throws NativeError if the machine has not as much */
export function createMemory(bytes: number): MemoryHandle {
  try {
    return native().createMemory(Math.max(bytes, 1));
  } catch (cause) {
    throw new NativeError(
      `memory: expected ${bytes} bytes, got none: this machine cannot provide them. Make the model or the batches smaller.`,
      {
        cause,
      },
    );
  }
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
