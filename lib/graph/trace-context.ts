/** What all that is traced into one program shares: where its random numbers come from, and whether states go on from step to step. */
import { programStreams } from '../streams.js';

export interface TraceContext {
  /** Keys the random numbers. */
  readonly seed: bigint;
  /** Streams of random numbers given out so far: 0, 1, …, which nobody else has (lib/streams.ts). */
  streams: number;
  readonly carries: boolean;
}

let current: TraceContext | undefined;

/** Makes a part of a program: what is made within it belongs to the program that is being made already, if there is one. */
export function inContext<T>(seed: bigint, carries: boolean, make: (context: TraceContext) => T): T {
  if (current !== undefined) return make(current);
  current = { seed, streams: programStreams.layers, carries };
  try {
    return make(current);
  } finally {
    current = undefined;
  }
}
