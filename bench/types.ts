/** One workload: what a driver is told, and what to make of its time. */
export interface Case {
  readonly name: string;
  /** The driver's `prepare` argument. */
  readonly request: string;
  readonly threads: number;
  /** Floating-point operations of one repetition; 0 where that says nothing. */
  readonly flops: number;
  /** Bytes that must move at least once in a repetition; 0 where that says nothing. */
  readonly bytes: number;
}

/** A program to measure; its variants are ways to configure it, of which the fastest counts, case by case. */
export interface Driver {
  readonly peer: string;
  readonly variant: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Cases that the same drivers run. */
export interface Suite {
  readonly name: string;
  readonly cases: readonly Case[];
  /** How a time reads: FLOP per second, time of a repetition, a delay that is not a speed, or no time at all but bytes. */
  readonly unit: 'GFLOP/s' | 'µs' | 'ms' | 'MB';
  readonly rounds: number;
  readonly sliceMilliseconds: number;
  /** Drivers that can run here, and why others cannot. */
  drivers(threads: number): { readonly found: readonly Driver[]; readonly missing: readonly string[] };
}

/** Seconds of one repetition (bytes where the unit is MB): medians of the slices in the rounds that count. */
export interface Measurement {
  readonly peer: string;
  readonly variant: string;
  readonly seconds: number;
  readonly minimum: number;
}

export interface CaseResult {
  readonly suite: Suite;
  readonly case: Case;
  /** The fastest variant of every peer that could run the case. */
  readonly measurements: readonly Measurement[];
  readonly unsupported: readonly string[];
  /** FMA peak around these rounds, in FLOP per second. */
  readonly peak: number;
  readonly roundsUsed: number;
}

export interface Limits {
  /** FLOP per second by thread count, with the widest vectors that run faster. */
  readonly peak: ReadonlyMap<number, number>;
  /** Bytes per second of a triad, by thread count and working set in bytes per thread. */
  readonly bandwidth: ReadonlyMap<number, ReadonlyMap<number, number>>;
}
