/** Batches as they come. */
import { DataError } from '../errors.js';
import { kindOf } from '../options.js';
import type { Control } from './control.js';
import { type Batch, type BatchSource, iterates } from './options.js';

/**
 * The batches of a source, until the control is stopped: a source that gives nothing any more is then not waited for.
 * @throws DataError if there are none
 */
export async function* batchesOf(what: string, source: BatchSource, control: Control): AsyncGenerator<Batch, void, undefined> {
  const iterable = typeof source === 'function' ? source() : source;
  if (!iterates(iterable))
    throw new DataError(
      `${what}: expected a function that gives batches as they come, got ${kindOf(iterable)}. Return a list or a generator.`,
    );
  const iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
  let count = 0;
  let ended = false;
  try {
    for (;;) {
      const next = await nextOf(iterator, control);
      if (next === undefined) {
        if (control.stopped) return;
        throw new DataError(`${what}: expected an iterator whose next() gives { value, done }, got undefined.`);
      }
      ended = next.done === true;
      if (next.done === true) break;
      count++;
      yield next.value;
    }
  } finally {
    if (!ended) close(iterator);
  }
  if (count === 0) {
    throw new DataError(`${what}: expected at least one batch, got none. A generator runs only once: pass a function that makes one.`);
  }
}

/** The next batch, or undefined where the control is stopped first. */
async function nextOf(iterator: AsyncIterator<Batch> | Iterator<Batch>, control: Control): Promise<IteratorResult<Batch> | undefined> {
  if (control.stopped) return undefined;
  try {
    return await new Promise((resolve, reject) => {
      control.onStop = () => resolve(undefined);
      Promise.resolve(iterator.next()).then(resolve, reject);
    });
  } finally {
    control.onStop = undefined;
  }
}

/** Tells the source that no more is wanted, without waiting for it or for what goes wrong there. */
function close(iterator: AsyncIterator<Batch> | Iterator<Batch>): void {
  const done = async (): Promise<unknown> => iterator.return?.();
  done().catch(() => undefined);
}
