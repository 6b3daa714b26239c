/** Long work on this thread, taken apart so that the event loop goes on. */

/** Milliseconds of such work in one turn of the event loop, however many are at it. */
const turnMilliseconds = 4;

/** What is used up of this turn. */
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
    while (used >= turnMilliseconds) await nextTurn();
    const begin = performance.now();
    const isMore = piece();
    use(performance.now() - begin);
    if (!isMore) return;
  }
}

function use(milliseconds: number): void {
  if (used === 0) setImmediate(() => (used = 0));
  used += milliseconds;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
