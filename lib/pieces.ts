/** Long work on this thread, taken apart so that the event loop goes on. */
import { setImmediate } from 'node:timers/promises';

/** Milliseconds of work after which others have their turn. */
const sliceMilliseconds = 4;

/** Calls `piece` until it returns false: nothing is left. */
export async function inPieces(piece: () => boolean): Promise<void> {
  let begin = performance.now();
  while (piece()) {
    if (performance.now() - begin < sliceMilliseconds) continue;
    await setImmediate();
    begin = performance.now();
  }
}
