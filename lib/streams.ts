/**
 * Who draws from which streams of random numbers. One seed has 2³² streams; two that draw from the same one would draw the same numbers, so each has a
 * range of its own, from the number here up to the next.
 */

/** Of a program. */
export const programStreams = {
  /** `scope.uniform` and `scope.normal` of a model, its loss and models taken in, counted as they are traced. */
  layers: 0,
  /** `randomUniform` and `randomNormal` of the caller. */
  chosen: 2 ** 29,
  augmentations: 2 ** 30,
  /** Those of `Philox`: stream s of the host is `host + s`. */
  host: 2 ** 31,
  end: 2 ** 32,
} as const;

/** Of the host, as `Philox` counts them. */
export const hostStreams = {
  /** First values, a stream for each parameter; the default of `Philox` is the first. */
  parameters: 0,
  /** The order of rows, a stream for each epoch of a trainer. */
  shuffles: 2 ** 30,
  /** Batches of sequences, a stream for each epoch. */
  batches: 2 ** 30 + 2 ** 29,
} as const;
