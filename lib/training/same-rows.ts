/** Batches that states are carried through have one number of rows. */
import { DataError } from '../errors.js';

/** @throws DataError unless the rows fill batches of one size, as carried states need */
export function checkWholeBatches(what: string, rows: number, batchSize: number): void {
  const size = Math.min(batchSize, rows);
  if (rows % size === 0) return;
  throw new DataError(
    `${what}: expected a multiple of batchSize ${size} rows with carryState, got ${rows}. Leave out the last ${rows % size}, or change batchSize.`,
  );
}

/** Batches that carried states go through have as many rows as the first. */
export class SameRows {
  readonly #what: string;
  #rows: number | undefined;
  #batches = 0;

  constructor(what: string) {
    this.#what = what;
  }

  check(rows: number): void {
    this.#batches++;
    this.#rows ??= rows;
    if (rows === this.#rows) return;
    throw new DataError(
      `${this.#what}: expected ${this.#rows} rows in every batch with carryState, got ${rows} in batch ${this.#batches}. Row i goes on in row i of the next.`,
    );
  }
}
