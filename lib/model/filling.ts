/** What comes into a model's memory before that is read: first values, and copies of what layers have at home elsewhere. */
import type { NumericArray } from '../native.js';
import { inPieces } from '../pieces.js';
import type { Copies } from './copies.js';
import type { Layout } from './layout.js';
import type { Reading, StateMemory } from './state-memory.js';
import { FirstValues, initialValues } from './weights.js';

export class Filling {
  readonly #memory: StateMemory;
  #firstValues: FirstValues;
  readonly copies: Copies;

  /** @param valuesOf values of a path instead of those of its initialiser */
  constructor(memory: StateMemory, layout: Layout, copies: Copies, seed: bigint, valuesOf: (path: string) => NumericArray | undefined) {
    this.#memory = memory;
    this.copies = copies;
    const copied = copies.offsets;
    this.#firstValues = new FirstValues(
      layout.entries.map(
        (entry, index) =>
          function* () {
            if (!copied.has(entry.offset))
              yield* memory.writeInPieces(valuesOf(entry.path) ?? (yield* initialValues(entry, seed, index)), entry.offset);
          },
      ),
    );
  }

  /** Whether the first values are written, or none are needed. */
  get hasFirstValues(): boolean {
    return this.#firstValues.areWritten;
  }

  /** Writes what is left. */
  write(): void {
    while (this.#firstValues.writePiece());
    this.copies.write(this.#memory);
  }

  /** The same while the event loop goes on. */
  async writeInPieces(): Promise<void> {
    const filled = this.#firstValuesInPieces();
    await this.copies.writeInPieces(this.#memory, filled);
    await filled;
  }

  /** A reading of the memory with copies that are not there yet. */
  readCopies(): Reading {
    return this.copies.read(this.#memory, this.#firstValuesInPieces());
  }

  /** Nothing is to come any more: all values are set. */
  forget(): void {
    this.#firstValues = new FirstValues();
    this.copies.forget();
  }

  #firstValuesInPieces(): Promise<void> | undefined {
    if (this.hasFirstValues) return undefined;
    const filled = inPieces(() => this.#firstValues.writePiece());
    filled.catch(() => undefined); // Whoever waits for it meets it.
    return filled;
  }
}
