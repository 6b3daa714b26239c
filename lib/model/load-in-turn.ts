/** Loads of one model and its parts, one after another. */
import { StateError } from '../errors.js';
import type { Model } from './model.js';
import { changesSoFar } from './weight-memory.js';

interface Loads {
  /** Settled when the last of them has ended. */
  last: Promise<unknown>;
  /** `changes` of the model as the last of them has left it. */
  changes: number | undefined;
}

/** By the model that has the weights. */
const loadsOf = new WeakMap<Model, Loads>();

/**
 * Loads once what was called before has loaded: of several calls the last one's weights stay.
 * @param read reads what is to be loaded, and calls `check` before it changes the model. @returns what puts it in place
 * @throws StateError, naming `what`, if the model is in training or other weights have been set or trained since the call; they stay
 */
export async function loadInTurn(what: string, model: Model, read: (check: () => void) => Promise<() => void>): Promise<void> {
  model.checkIdle(what);
  const since = changesSoFar();
  const loads = loadsOf.get(model.owner) ?? { last: Promise.resolve(), changes: undefined };
  loadsOf.set(model.owner, loads);
  const check = (): void => {
    model.checkIdle(what);
    const { changes } = model;
    if (changes <= since || changes === loads.changes) return;
    throw new StateError(
      `${what}: expected weights that nobody sets or trains while others are loaded, got changed ones. Await the load first.`,
    );
  };
  const before = loads.last;
  // A model that a file does not fit stays unbuilt.
  const load = model.trying(async () => {
    await before;
    const put = await read(check);
    check();
    put();
    loads.changes = model.changes;
  });
  loads.last = load.catch(() => undefined);
  await load;
}
