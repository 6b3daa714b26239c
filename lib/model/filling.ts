/** What comes into a model's memory before that is read: first values, and copies of what layers have at home elsewhere. */
import type { NumericArray } from '../native.js';
import { writeInPieces } from '../memory.js';
import { inPieces } from '../pieces.js';
import type { Copies } from './copies.js';
import type { Layout } from './layout.js';
import type { Reading, ReadingKind, StateMemory } from './state-memory.js';
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
    const present = memory.slot.memory!;
    this.#firstValues = new FirstValues(
      layout.entries.map(
        (entry, index) =>
          function* () {
            if (!copied.has(entry.offset))
              yield* writeInPieces(present, entry.offset * 4, valuesOf(entry.path) ?? (yield* initialValues(entry, seed, index)));
          },
      ),
    );
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

  /** A reading of the memory with all that comes into it. The parameters are those of `StateMemory.read`. */
  read(changing: boolean, kind: ReadingKind): Reading {
    if (!this.copies.areWritten) return this.copies.read(this.#memory, this.#firstValuesInPieces());
    if (this.#firstValues.areWritten) return this.#memory.read(changing, kind);
    const firstValues = this.#firstValues;
    return { ...this.#memory.read(false), ready: () => inPieces(() => firstValues.writePiece()) };
  }

  /** Nothing is to come any more: all values are set. Readings under way get the first ones, in the memory that is left to them. */
  forget(): void {
    if (!this.#memory.isRead) this.#firstValues.drop();
    this.#firstValues = new FirstValues();
    this.copies.forget();
  }

  #firstValuesInPieces(): Promise<void> {
    const firstValues = this.#firstValues;
    const filled = inPieces(() => firstValues.writePiece());
    filled.catch(() => undefined); // Whoever waits for it meets it.
    return filled;
  }
}
