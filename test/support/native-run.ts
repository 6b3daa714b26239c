/** Runs programs on the addon, with memories given and returned as arrays. */
import type { Program } from '../../lib/compile/program.js';
import type { MemorySlot } from '../../lib/graph/source.js';
import { type MemoryHandle, type NumericArray, native } from '../../lib/native.js';

export type Arrays = ReadonlyMap<MemorySlot, NumericArray>;

/** The memories after `steps` steps, in arrays of the kinds given. */
export function runNative(program: Program, arrays: Arrays, steps = 1): Arrays {
  const memories = bound(arrays);
  program.runSync(memories, steps, 0);
  return contents(memories, arrays);
}

/** The same by a debug run; undefined if that stops at a value. */
export function debugNative(program: Program, arrays: Arrays, steps: number): Arrays | undefined {
  const memories = bound(arrays);
  return program.runDebug(memories, steps, 0) === undefined ? contents(memories, arrays) : undefined;
}

type Memories = ReadonlyMap<MemorySlot, MemoryHandle>;

function bound(arrays: Arrays): Memories {
  return new Map(
    [...arrays].map(([slot, values]) => {
      const memory = native().createMemory(Math.max(values.byteLength, 1));
      native().writeMemory(memory, 0, values);
      return [slot, memory];
    }),
  );
}

function contents(memories: Memories, arrays: Arrays): Arrays {
  return new Map(
    [...arrays].map(([slot, values]) => {
      const result = values.slice();
      native().readMemory(memories.get(slot)!, 0, result);
      return [slot, result];
    }),
  );
}
