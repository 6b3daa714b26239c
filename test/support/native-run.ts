/** Runs programs on the addon, with memories given and returned as arrays. */
import type { Program } from '../../lib/compile/program.js';
import type { MemorySlot } from '../../lib/graph/source.js';
import { type MemoryHandle, type NumericArray, native } from '../../lib/native.js';

export type Arrays = ReadonlyMap<MemorySlot, NumericArray>;

/** The memories after `steps` steps, in arrays of the kinds given. */
export function runNative(program: Program, arrays: Arrays, steps = 1, debug = false): Arrays {
  const memories = new Map<MemorySlot, MemoryHandle>();
  for (const [slot, values] of arrays) {
    const memory = native().createMemory(Math.max(values.byteLength, 1));
    native().writeMemory(memory, 0, values);
    memories.set(slot, memory);
  }
  if (debug) program.runDebug(memories, steps, 0);
  else program.runSync(memories, steps, 0);
  return new Map(
    [...arrays].map(([slot, values]) => {
      const result = values.slice();
      native().readMemory(memories.get(slot)!, 0, result);
      return [slot, result];
    }),
  );
}
