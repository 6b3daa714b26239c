/** What errors say of a value that is refused, and that may be the promise of one. */
import { OptionError } from './errors.js';
import { isRecord, kindOf } from './options.js';

/**
 * `got <kind>. <advice>`; of a promise, or of one among several values, that the function that returned it is to be written without async.
 * The rejection of a refused promise is taken: the error thrown instead is the one to be handled.
 * @param got what came, where that is more than its kind
 */
export function gotReturned(value: unknown, advice = '', got = kindOf(value), ofPromise = 'Write it without async.'): string {
  const parts = Array.isArray(value) || isRecord(value) ? Object.values(value) : [value];
  const promises = parts.filter(isThenable);
  for (const promise of promises) promise.then(undefined, () => undefined);
  if (promises.length > 0) return `got ${kindOf(promises[0])}. ${ofPromise}`;
  return `got ${got}.${advice && ` ${advice}`}`;
}

/** @throws OptionError for the promise of a method that returns nothing: what it finds would come too late, and to nobody */
export function checkDone(what: string, method: string, returned: unknown): void {
  if (isThenable(returned)) throw new OptionError(`${what}: expected ${method} to return nothing, ${gotReturned(returned)}`);
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
