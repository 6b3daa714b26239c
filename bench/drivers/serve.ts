import { createInterface } from 'node:readline';
import type { History } from 'lanewise';
import { median } from '../statistics.js';

/** Seconds of one repetition. */
export interface Timing {
  readonly median: number;
  readonly minimum: number;
}

/** A prepared case. */
export interface Prepared {
  /** Runs for about so many seconds. One number is both: a mean, or what is no time. */
  readonly time: (seconds: number) => number | Timing | Promise<number | Timing>;
  /** Loss before and after some steps: it has to fall. */
  readonly check?: readonly [before: number, after: number];
}

/** The line protocol of protocol.h for drivers in JavaScript. */
export async function serve(prepare: (request: string) => Prepared | Promise<Prepared>): Promise<void> {
  let prepared: Prepared | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    const [, command, argument] = /^(\w+) (.*)$/.exec(line) ?? [];
    let answer = 'error unknown command';
    try {
      if (command === 'prepare') {
        prepared = await prepare(argument!);
        const [before, after] = prepared.check ?? [1, 0];
        answer = after < 0.95 * before ? `ok ${before} ${after}` : `error the loss went from ${before} to ${after}`;
      } else if (command === 'time' && prepared !== undefined) {
        const found = await prepared.time(Number(argument) / 1e3);
        const { median, minimum } = typeof found === 'number' ? { median: found, minimum: found } : found;
        answer = `ok ${median} ${minimum}`;
      }
    } catch (error) {
      answer = `error ${String((error as Error).message).replaceAll('\n', ' ')}`;
    }
    console.log(answer);
  }
}

/** Repeats `run`, which does `steps` steps, for about so many seconds, after `before`, which is not timed; the time of a step. */
export function timeLoop(run: () => void, steps: number, seconds: number, before = (): void => undefined): Timing {
  const samples: number[] = [];
  const end = performance.now() + seconds * 1e3;
  do {
    before();
    const start = performance.now();
    run();
    samples.push((performance.now() - start) / 1e3 / steps);
  } while (performance.now() < end);
  return { median: median(samples), minimum: Math.min(...samples) };
}

/** Three epochs for the fall of the loss; then as many in one call as fit in the seconds. */
export async function serveEpochs(train: (epochs: number) => Promise<History>, stepsPerEpoch: number): Promise<Prepared> {
  const timed = async (epochs: number): Promise<number> => {
    const start = performance.now();
    await train(epochs);
    return (performance.now() - start) / 1e3 / epochs;
  };
  const { loss: before } = (await train(1)).last!;
  const { loss: after } = (await train(2)).last!;
  let secondsPerEpoch: number | undefined;
  return {
    check: [before, after],
    time: async (seconds) => {
      secondsPerEpoch ??= await timed(1);
      secondsPerEpoch = await timed(Math.max(1, Math.round(seconds / secondsPerEpoch)));
      return secondsPerEpoch / stepsPerEpoch;
    },
  };
}
