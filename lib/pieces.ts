/** Long work on this thread, taken apart so that the event loop goes on. */

/** Milliseconds of such work in one turn of the event loop, however many are at it. */
export const turnMilliseconds = 4;

/** What is used up since a turn began: short works of many turns may count as one. */
let used = 0;

/** Work that stops now and then, wherever others may have their turn. */
export type Pieces<T> = Generator<undefined, T, undefined>;

/** What the work comes to, done in one go. */
export function inOneGo<T>(pieces: Pieces<T>): T {
  for (;;) {
    const { done, value } = pieces.next();
    if (done === true) return value;
  }
}

/** What the work comes to, while the event loop goes on. */
export async function inTurns<T>(pieces: Pieces<T>): Promise<T> {
  let result!: IteratorResult<undefined, T>;
  await inPieces(() => {
    result = pieces.next();
    return result.done !== true;
  });
  return result.value as T;
}

/** Calls `piece` until it returns false: nothing is left. */
export async function inPieces(piece: () => boolean): Promise<void> {
  for (;;) {
    if (used >= turnMilliseconds) await myTurn();
    const begin = performance.now();
    const isMore = piece();
    used += performance.now() - begin;
    if (used >= turnMilliseconds) schedule();
    if (!isMore) return;
  }
}

/** Who waits, in order. */
const waiting: (() => void)[] = [];
let isScheduled = false;

function myTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    schedule();
  });
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(nextTurn);
}

/** Begins a turn of the event loop with the one that has waited longest. */
function nextTurn(): void {
  isScheduled = false;
  used = 0;
  waiting.shift()?.();
  if (waiting.length > 0) schedule();
}
