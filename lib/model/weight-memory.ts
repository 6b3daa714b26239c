/** The native memory of a model's weights: many read it while one writes. */
import type { Binding } from '../compile/program.js';
import { MemorySlot } from '../graph/source.js';
import { createMemory, memoryWith, readFloats } from '../memory.js';
import type { Pieces } from '../pieces.js';
import { type MemoryHandle, type NumericArray, native } from '../native.js';

/** Values written at once: a fraction of a millisecond, also where the memory is new. */
const pieceSize = 2 ** 18;

/** Weights as they were at one moment, for several runs. */
export interface Reading {
  /** What those runs bind. */
  readonly weights: readonly Binding[];
  end(): void;
}

/** For runs that belong to no others: each sees the weights there are then. */
export const noReading: Reading = { weights: [], end: () => undefined };

/** Of all parameters and buffers. Each run sees those of one moment by itself; several runs that belong together do so by a reading. */
export class WeightMemory {
  /** What programs know it by: in each run it is bound to the memory there is then. */
  readonly slot: MemorySlot;
  readonly #elements: number;
  /** Those under way in the present memory. */
  #readings: { count: number } = { count: 0 };

  constructor(elements: number) {
    this.#elements = elements;
    const bytes = Math.max(elements, 1) * 4;
    this.slot = new MemorySlot('parameters', bytes, 0, createMemory(bytes));
  }

  /** A copy of all values, of one step. */
  values(): Float32Array {
    return readFloats(this.#memory, this.#elements);
  }

  /** First values, which nobody reads yet. */
  *writeInPieces(values: NumericArray, offset: number): Pieces<void> {
    for (let begin = 0; begin < values.length; begin += pieceSize) {
      this.#write(values.subarray(begin, begin + pieceSize), offset + begin);
      yield;
    }
  }

  /** Sets all values. Readings keep those they have. */
  set(values: Float32Array): void {
    if (this.#readings.count === 0) {
      this.#write(values, 0);
    } else {
      this.slot.memory = memoryWith(values);
      this.#readings = { count: 0 };
    }
  }

  /** Before runs change the values in place. */
  leaveToReadings(): void {
    if (this.#readings.count > 0) this.set(this.values());
  }

  /** @param changing runs are changing the values in place now */
  read(changing: boolean): Reading {
    if (changing) return { weights: [[this.slot, memoryWith(this.values())]], end: () => undefined };
    const readings = this.#readings;
    readings.count++;
    return { weights: [[this.slot, this.#memory]], end: () => readings.count-- };
  }

  #write(values: NumericArray, offset: number): void {
    native().writeMemory(this.#memory, offset * 4, values);
  }

  get #memory(): MemoryHandle {
    return this.slot.memory!;
  }
}
