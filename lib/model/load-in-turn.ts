/** Loads of one model, one after another. */
import { StateError } from '../errors.js';
import type { Model } from './model.js';

interface Loads {
  /** Settled when the last of them has ended. */
  last: Promise<unknown>;
  /** `model.changes` as the last of them has left it. */
  changes: number | undefined;
}

const loadsOf = new WeakMap<Model, Loads>();

/**
 * Loads once what was called before has loaded: of several calls the last one's weights stay.
 * @param read reads what is to be loaded. @returns what puts it in place
 * @throws StateError, naming `what`, if the model is in training or other weights have been set or trained since the call; they stay
 */
export async function loadInTurn(what: string, model: Model, read: () => Promise<() => void>): Promise<void> {
  model.checkIdle(what);
  const { changes } = model;
  const loads = loadsOf.get(model) ?? { last: Promise.resolve(), changes: undefined };
  loadsOf.set(model, loads);
  const before = loads.last;
  // A model that a file does not fit stays unbuilt.
  const load = model.trying(async () => {
    await before;
    const put = await read();
    model.checkIdle(what);
    if (model.changes !== changes && model.changes !== loads.changes)
      throw new StateError(
        `${what}: expected weights that nobody sets or trains while others are loaded, got changed ones. Await the load first.`,
      );
    put();
    loads.changes = model.changes;
  });
  loads.last = load.catch(() => undefined);
  await load;
}
