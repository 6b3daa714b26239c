import { createInterface } from 'node:readline';

/** A prepared case. */
export interface Prepared {
  /** Runs for about so many seconds; returns the seconds of one repetition. */
  readonly time: (seconds: number) => number | Promise<number>;
  /** Loss before and after some steps: it has to fall. */
  readonly check?: readonly [before: number, after: number];
}

/** The line protocol of protocol.h for drivers in JavaScript. */
export async function serve(prepare: (request: unknown) => Prepared | Promise<Prepared>): Promise<void> {
  let prepared: Prepared | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    const [, command, argument] = /^(\w+) (.*)$/.exec(line) ?? [];
    let answer = 'error unknown command';
    try {
      if (command === 'prepare') {
        prepared = await prepare(JSON.parse(argument!));
        const [before, after] = prepared.check ?? [1, 0];
        answer = after < 0.95 * before ? `ok ${before} ${after}` : `error the loss went from ${before} to ${after}`;
      } else if (command === 'time' && prepared !== undefined) {
        const seconds = await prepared.time(Number(argument) / 1e3);
        answer = `ok ${seconds} ${seconds}`;
      }
    } catch (error) {
      answer = `error ${String((error as Error).message).replaceAll('\n', ' ')}`;
    }
    console.log(answer);
  }
}

/** Repeats `run`, which does `steps` steps, for about so many seconds; returns the seconds of a step. */
export function timeLoop(run: () => void, steps: number, seconds: number): number {
  const start = performance.now();
  let repetitions = 0;
  do {
    run();
    repetitions++;
  } while (performance.now() - start < seconds * 1e3);
  return (performance.now() - start) / 1e3 / repetitions / steps;
}
