/** What errors say of a value that a function of the caller returned and that is refused. */
import { isRecord, kindOf } from './options.js';

/**
 * `got <kind>. <advice>`; of a promise, or of one among several values, that the function is to be written without async.
 * The rejection of a refused promise is taken: the error thrown instead is the one to be handled.
 * @param got what came, where that is more than its kind
 */
export function gotReturned(value: unknown, advice = '', got = kindOf(value)): string {
  const parts = Array.isArray(value) || isRecord(value) ? Object.values(value) : [value];
  const promises = parts.filter(isThenable);
  for (const promise of promises) promise.then(undefined, () => undefined);
  if (promises.length > 0) return `got ${kindOf(promises[0])}. Write it without async.`;
  return `got ${got}.${advice && ` ${advice}`}`;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
