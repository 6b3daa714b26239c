/** The memory of weights: those of one model, or of several that have the same layers. */
import { writeInPieces } from '../memory.js';
import type { NumericArray } from '../native.js';
import { type Pieces, inPieces } from '../pieces.js';
import { type PlacedValues, type Reading, type ReadingKind, StateMemory } from './state-memory.js';
import { FirstValues } from './weights.js';

/** A weight that is still to get its first values. */
export interface First {
  /** Its first element in the memory. */
  readonly at: number;
  readonly size: number;
  readonly values: () => Pieces<NumericArray>;
}

/** Changes of all weights so far. */
let changes = 0;

export function changesSoFar(): number {
  return changes;
}

/** @returns changesSoFar() with one more */
export function countChange(): number {
  return ++changes;
}

export class WeightMemory extends StateMemory {
  /** changesSoFar() as they were last changed, by runs of training or by setting them. */
  changes = 0;
  /** Of them, the last that a load made. */
  loaded = 0;
  /** The model whose training changes them. */
  trainedBy: { readonly name: string } | undefined;
  /** Elements of all weights, without the gaps between them. */
  readonly #weightCount: number;
  #firstValues: FirstValues;

  constructor(elements: number, first: readonly First[]) {
    super('parameters', elements);
    const memory = this.slot.memory!;
    this.#weightCount = first.reduce((sum, { size }) => sum + size, 0);
    this.#firstValues = new FirstValues(
      first.map(
        ({ at, values }) =>
          function* () {
            yield* writeInPieces(memory, at * 4, yield* values());
          },
      ),
    );
  }

  /** Writes what is left of the first values. */
  fill(): void {
    while (this.#firstValues.writePiece());
  }

  /** The same while the event loop goes on. */
  fillInPieces(): Promise<void> {
    const firstValues = this.#firstValues;
    return inPieces(() => firstValues.writePiece());
  }

  override values(): Float32Array {
    this.fill();
    return super.values();
  }

  /** A reading, with the first values if they are still to come. */
  override read(kind: ReadingKind): Reading {
    if (this.#firstValues.areWritten) return super.read(kind);
    const firstValues = this.#firstValues;
    return { ...super.read('long'), ready: () => inPieces(() => firstValues.writePiece()) };
  }

  /** Sets some weights, or all. */
  setAt(weights: PlacedValues): void {
    const isWhole = this.#areAll(weights);
    const values = isWhole ? new Float32Array(this.elements) : this.values();
    for (const [value, at] of weights) values.set(value, at);
    if (isWhole) this.#forgetFirstValues();
    this.set(values);
    this.changes = countChange();
  }

  /**
   * The same while the event loop goes on, with values that nobody changes.
   * @returns what sets them
   */
  async toSet(weights: PlacedValues): Promise<() => void> {
    const isWhole = this.#areAll(weights);
    if (!isWhole) await this.fillInPieces();
    const put = await this.replacement(weights, !isWhole);
    return () => {
      if (isWhole) this.#forgetFirstValues();
      put();
      this.changes = countChange();
    };
  }

  override beginRun(): void {
    super.beginRun();
    this.changes = countChange();
  }

  override endRun(): void {
    super.endRun();
    this.changes = countChange();
  }

  #areAll(weights: PlacedValues): boolean {
    return weights.reduce((sum, [{ length }]) => sum + length, 0) === this.#weightCount;
  }

  /** All values are set. Readings under way get the first ones, in the memory that is left to them. */
  #forgetFirstValues(): void {
    if (!this.isRead) this.#firstValues.drop();
    this.#firstValues = new FirstValues();
  }
}
