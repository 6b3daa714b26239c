/** An example was called in a way that it cannot run: the message says what to do, so that a stack would only bury it. */
export class Misuse extends Error {}

/** Misuse ends the program by its message alone and status 2; any other error as it would have. */
export function endOnMisuse(): void {
  process.once('uncaughtException', (error) => {
    const isMisuse = error instanceof Misuse;
    console.error(isMisuse ? error.message : error);
    process.exit(isMisuse ? 2 : 1);
  });
}
