/** Batches as they come. */
import { DataError } from '../errors.js';
import { kindOf } from '../options.js';
import type { Control } from '../control.js';
import { type Batch, type BatchSource, type Targets, iterates } from './batch.js';

/** Milliseconds in which a source that is left early may close its files: one that hangs holds up an abort no longer. */
const closingTime = 500;
const ended: IteratorResult<Batch<Targets>, undefined> = { done: true, value: undefined };

/** Goes through a source, once or again and again, until the control is stopped: what gives nothing any more is then not waited for. */
export class BatchReader {
  readonly #source: BatchSource;
  readonly #control: Control;
  #what = '';
  #iterator: AsyncIterator<Batch<Targets>> | Iterator<Batch<Targets>> | undefined;
  /** Batches of one pass, if that is known. */
  length: number | undefined;
  /** Passes begun so far. */
  passes = 0;

  constructor(source: BatchSource, control: Control) {
    this.#source = source;
    this.#control = control;
  }

  /** The next batch, or the first of a new pass if there was none or it has ended. @throws DataError if a pass has no batch */
  async first(what: string): Promise<IteratorResult<Batch<Targets>, undefined>> {
    this.#what = what;
    const next = await this.next();
    if (next.done !== true || this.#control.stopped) return next;
    this.#begin();
    const first = await this.next();
    if (first.done !== true || this.#control.stopped) return first;
    const mayBeUsedUp = typeof this.#source !== 'function' && this.length === undefined;
    throw new DataError(
      `${what}: expected at least one batch, got none.${mayBeUsedUp ? ' A generator runs only once: pass a function that makes one.' : ''}`,
    );
  }

  /** The next batch; done where the pass ends or the control is stopped first. */
  async next(): Promise<IteratorResult<Batch<Targets>, undefined>> {
    const iterator = this.#iterator;
    if (iterator === undefined || this.#control.stopped) return ended;
    const next: unknown = await this.#control.unlessStopped(async () => iterator.next());
    if (!isResult(next)) {
      if (this.#control.stopped) return ended;
      throw new DataError(`${this.#what}: expected an iterator whose next() gives { value, done }, got ${kindOf(next)}.`);
    }
    if (next.done !== true) return { done: false, value: next.value };
    this.#iterator = undefined;
    return ended;
  }

  /** Tells a source that has not ended that no more is wanted, and waits a while for it. @throws what goes wrong there */
  async close(): Promise<void> {
    const iterator = this.#iterator;
    if (iterator === undefined) return;
    this.#iterator = undefined;
    let timer: NodeJS.Timeout | undefined;
    const closed = (async (): Promise<unknown> => iterator.return?.())();
    try {
      await Promise.race([closed, new Promise((resolve) => (timer = setTimeout(resolve, closingTime)))]);
    } finally {
      clearTimeout(timer);
    }
  }

  #begin(): void {
    const source = this.#source;
    const iterable = typeof source === 'function' ? source() : source;
    if (!iterates(iterable))
      throw new DataError(
        `${this.#what}: expected a function that gives batches as they come, got ${kindOf(iterable)}. Return a list or a generator.`,
      );
    this.passes++;
    this.length = Array.isArray(iterable) ? iterable.length : undefined;
    const iterator: unknown = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
    if (!isIterator(iterator))
      throw new DataError(
        `${this.#what}: expected an iterator with next(), got ${kindOf(iterator)}. Give a list, a generator or a function that makes one.`,
      );
    this.#iterator = iterator;
  }
}

function isIterator(value: unknown): value is AsyncIterator<Batch<Targets>> | Iterator<Batch<Targets>> {
  return typeof value === 'object' && value !== null && 'next' in value && typeof value.next === 'function';
}

function isResult(value: unknown): value is IteratorResult<Batch<Targets>, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The batches of one pass. @throws DataError if there are none */
export async function* batchesOf(what: string, source: BatchSource, control: Control): AsyncGenerator<Batch<Targets>, void, undefined> {
  const reader = new BatchReader(source, control);
  try {
    for (let next = await reader.first(what); next.done !== true; next = await reader.next()) yield next.value;
  } finally {
    // It has not ended only where something else goes wrong.
    await reader.close().catch(() => undefined);
  }
}
