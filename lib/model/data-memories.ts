/** Copies of data in native memories. */
import { type NdArray, checkIntact } from '../array.js';
import { createMemory, writeInPieces } from '../memory.js';
import { type MemoryHandle, native } from '../native.js';
import { type Pieces, inOneGo, inTurns } from '../pieces.js';

/** Data up to this many bytes are taken in before the call returns. */
const bytesAtOnce = 2 ** 22;

/** Work that goes through all of these arrays: at once if they are small, else while the event loop goes on. */
export async function goThrough<T>(arrays: readonly NdArray[], work: Pieces<T>): Promise<T> {
  const bytes = arrays.reduce((total, { data }) => total + data.byteLength, 0);
  return bytes <= bytesAtOnce ? inOneGo(work) : inTurns(work);
}

/**
 * Native memories with these parts of arrays: SharedArrayBuffers are used in place, anything else is copied.
 * @param isStopped nobody wants the copies any more: they are left unfinished
 * @throws StateError if the buffer of an array is taken away meanwhile
 */
export function* memoriesOf(
  what: string,
  arrays: readonly NdArray[],
  parts: readonly NdArray[],
  isStopped: () => boolean,
): Pieces<MemoryHandle[]> {
  const memories: MemoryHandle[] = [];
  for (const { data } of parts) {
    if (data.buffer instanceof SharedArrayBuffer && data.length > 0) {
      memories.push(native().shareMemory(data));
      continue;
    }
    const memory = createMemory(data.byteLength);
    memories.push(memory);
    const pieces = writeInPieces(memory, 0, data);
    while (!isStopped()) {
      for (const x of arrays) checkIntact(what, 'data', x);
      if (pieces.next().done === true) break;
      yield;
    }
  }
  return memories;
}
