import { createMemory } from '../memory.js';
import { type MemoryHandle, type NumericArray, native } from '../native.js';

/** Memories and arrays that runs of one trainer use one after another, kept and grown so that steady training allocates nothing. */
export class Scratch {
  readonly #memories = new Map<string, { readonly memory: MemoryHandle; readonly bytes: number }>();
  readonly #floats = new Map<string, Float32Array>();

  /** A memory of at least `bytes` bytes with whatever the last run left in it. */
  get(name: string, bytes: number): MemoryHandle {
    const known = this.#memories.get(name);
    if (known !== undefined && known.bytes >= bytes) return known.memory;
    const memory = createMemory(bytes);
    this.#memories.set(name, { memory, bytes });
    return memory;
  }

  /** A host array of this length with whatever was left in it. */
  floats(name: string, length: number): Float32Array {
    const known = this.#floats.get(name);
    if (known !== undefined && known.length >= length) return known.subarray(0, length);
    const values = new Float32Array(length);
    this.#floats.set(name, values);
    return values;
  }

  /** The first values of a memory, until the next call. */
  read(name: string, length: number): Float32Array {
    const values = this.floats(name, length);
    native().readMemory(this.get(name, values.byteLength), 0, values);
    return values;
  }

  /** A memory that begins with these values. */
  filled(name: string, values: NumericArray): MemoryHandle {
    const memory = this.get(name, values.byteLength);
    native().writeMemory(memory, 0, values);
    return memory;
  }
}
