import { LanewiseError } from 'lanewise';

/** An example was called in a way that it cannot run: the message says what to do, so that a stack would only bury it. */
export class Misuse extends Error {}

/** What a file or a flag is to blame for: its message says what to do, or which file it is about. */
const saysAll = (error: Error): boolean => error instanceof Misuse || error instanceof LanewiseError || 'syscall' in error;

/**
 * Misuse, what the library refuses and what the system does end the program by their message alone and status 2; any other error ends it as
 * it would have. That nobody reads the output any longer (`npm run xor | head -1`) is no error.
 */
export function endOnMisuse(): void {
  process.once('uncaughtException', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0);
    console.error(saysAll(error) ? error.message : error);
    process.exit(saysAll(error) ? 2 : 1);
  });
}
