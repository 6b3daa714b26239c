import { LanewiseError } from './errors.js';

/** An error of this library is said to be about `what`; those of users' code stay as they are. */
export function naming<T>(what: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof LanewiseError && !error.message.startsWith(`${what}: `)) error.message = `${what}: ${error.message}`;
    throw error;
  }
}
