/** How many rows become batches. */

/** Rows computed at once where nothing is trained, unless the caller says. */
export const evaluationRows = 256;

/** Consecutive steps over batches of one size. */
export interface BatchRun {
  readonly begin: number;
  readonly rows: number;
  readonly steps: number;
}

/** `count` rows as full batches and, if some are left, one smaller batch. */
export function batchRuns(count: number, batchSize: number): readonly BatchRun[] {
  const steps = Math.floor(count / batchSize);
  const rest = count - steps * batchSize;
  return [
    ...(steps > 0 ? [{ begin: 0, rows: batchSize, steps }] : []),
    ...(rest > 0 ? [{ begin: count - rest, rows: rest, steps: 1 }] : []),
  ];
}
