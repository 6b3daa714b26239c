/** The native memory of a model's weights: many read it while one writes. */
import { type Binding, type Program, prepare } from '../compile/program.js';
import { MemorySlot, source } from '../graph/source.js';
import { createMemory, memoryWith, readFloats } from '../memory.js';
import type { Pieces } from '../pieces.js';
import { type MemoryHandle, type NumericArray, native } from '../native.js';

/** Values written at once: a fraction of a millisecond, also where the memory is new. */
const pieceSize = 2 ** 18;

/** Weights as they were at one moment, for several runs. */
export interface Reading {
  /** What those runs bind. */
  readonly weights: readonly Binding[];
  /** Before they begin. */
  readonly ready: Promise<unknown>;
  end(): void;
}

/** For runs that belong to no others: each sees the weights there are then. */
export const noReading: Reading = { weights: [], ready: Promise.resolve(), end: () => undefined };

/** A program that copies the weights. */
interface Copier {
  readonly program: Program;
  readonly copy: MemorySlot;
}

function copierOf(slot: MemorySlot): Copier {
  const copy = new MemorySlot('copy', slot.bytes, slot.bytes);
  const value = source(slot, 0, [slot.bytes / 4], 'float32');
  return { program: prepare([{ value, slot: copy, byteOffset: 0, commit: false }]), copy };
}

/** Of all parameters and buffers. Each run sees those of one moment by itself; several runs that belong together do so by a reading. */
export class WeightMemory {
  /** What programs know it by: in each run it is bound to the memory there is then. */
  readonly slot: MemorySlot;
  readonly #elements: number;
  #copier: Copier | undefined;
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
  async leaveToReadings(): Promise<void> {
    if (this.#readings.count === 0) return;
    const copy = createMemory(this.slot.bytes);
    await this.#copyTo(copy);
    this.slot.memory = copy;
    this.#readings = { count: 0 };
  }

  /** @param changing runs are changing the values in place now, or are about to */
  read(changing: boolean): Reading {
    if (!changing) return this.#readInPlace();
    const copy = createMemory(this.slot.bytes);
    const ready = this.#copyTo(copy);
    ready.catch(() => undefined); // Whoever begins the runs meets it.
    return { weights: [[this.slot, copy]], ready, end: () => undefined };
  }

  /** The same for runs on this thread. */
  readSync(changing: boolean): Reading {
    return changing ? { ...noReading, weights: [[this.slot, memoryWith(this.values())]] } : this.#readInPlace();
  }

  #readInPlace(): Reading {
    const readings = this.#readings;
    readings.count++;
    return { ...noReading, weights: [[this.slot, this.#memory]], end: () => readings.count-- };
  }

  /** All values, of one step, off this thread. */
  async #copyTo(memory: MemoryHandle): Promise<void> {
    this.#copier ??= copierOf(this.slot);
    await this.#copier.program.run(new Map([[this.#copier.copy, memory]]), 1, 0);
  }

  #write(values: NumericArray, offset: number): void {
    native().writeMemory(this.#memory, offset * 4, values);
  }

  get #memory(): MemoryHandle {
    return this.slot.memory!;
  }
}
