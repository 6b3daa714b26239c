/** Loads, one after another. */
import { StateError } from '../errors.js';
import type { Model } from './model.js';
import { changesSoFar } from './weight-memory.js';

/** Settled when the last of them has ended. Models may share weights, so there is one queue for all. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Reads a file at once, and loads it when what was called before has loaded: of several calls the last one's weights stay.
 * @param use what was read, and calls `check` before it changes the model. @returns what puts it in place
 * @throws StateError, naming `what`, if the model is in training or other weights have been set or trained since the call; they stay
 */
export async function loadInTurn<File>(
  what: string,
  model: Model,
  read: () => Promise<File>,
  use: (file: File, check: () => void) => Promise<() => void>,
): Promise<void> {
  model.checkIdle(what);
  const since = changesSoFar();
  const check = (): void => {
    model.checkIdle(what);
    if (!model.wasChangedSince(since)) return;
    throw new StateError(
      `${what}: expected weights that nobody sets or trains while others are loaded, got changed ones. Await the load first.`,
    );
  };
  const before = last;
  const file = read();
  // A model that a file does not fit stays unbuilt.
  const load = model.trying(async () => {
    const [content] = await Promise.all([file, before]);
    const put = await use(content, check);
    check();
    put();
    model.noteLoaded();
  });
  last = Promise.allSettled([before, load]).then(() => undefined);
  await load;
}
