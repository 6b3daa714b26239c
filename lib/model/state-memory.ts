/** The native memory of what training changes, a model's weights or an optimizer's slots: many read it while one writes. */
import { type Binding, type Program, prepare } from '../compile/program.js';
import { StateError } from '../errors.js';
import { MemorySlot, source } from '../graph/source.js';
import { createMemory, memoryWith, readFloats, readInPieces, writeInPieces } from '../memory.js';
import { type Pieces, inTurns } from '../pieces.js';
import { type MemoryHandle, type NumericArray, native } from '../native.js';

/** Values as they were at one moment, for several runs. */
export interface Reading {
  /** What those runs bind. */
  readonly weights: readonly Binding[];
  /** To be awaited before they begin. */
  ready(): Promise<unknown>;
  end(): void;
}

/** For runs that belong to no others: each sees the weights there are then. */
export const noReading: Reading = { weights: [], ready: () => Promise.resolve(), end: () => undefined };

/** Readings that begin together. */
export function allOf(readings: readonly Reading[]): Reading {
  return {
    weights: readings.flatMap(({ weights }) => weights),
    ready: () => Promise.all(readings.map((reading) => reading.ready())),
    end: () => {
      for (const reading of readings) reading.end();
    },
  };
}

/** A program that copies the values. */
interface Copier {
  readonly program: Program;
  readonly copy: MemorySlot;
}

function copierOf(slot: MemorySlot): Copier {
  const copy = new MemorySlot('copy', slot.bytes, slot.bytes);
  const value = source(slot, 0, [slot.bytes / 4], 'float32');
  return { program: prepare([{ value, slot: copy, byteOffset: 0, commit: false }]), copy };
}

/** Short readings that a run waits for rather than leave them the memory. */
const fewReadings = 8;

/**
 * How a reading of values where they are goes together with runs that change them. Values that are set go to another memory while there is any.
 * long: several runs, to which the memory is left; short: no longer than a copy of the values, waited for; loose: one run, which sees some step's values of
 * the training it begins in, and is short once that is over.
 */
export type ReadingKind = 'long' | 'short' | 'loose';

/** Readings of one memory in place. */
class Readings {
  readonly #underWay: Readonly<Record<ReadingKind, Set<symbol>>> = { long: new Set(), short: new Set(), loose: new Set() };
  #onShort: (() => void) | undefined;

  /** @returns what ends it */
  begin(kind: ReadingKind): () => void {
    const reading = Symbol(kind);
    this.#underWay[kind].add(reading);
    return () => {
      const { long, short, loose } = this.#underWay;
      long.delete(reading);
      loose.delete(reading);
      if (short.delete(reading) && short.size === 0) this.#onShort?.();
    };
  }

  /** Those that are loose are short from now on. */
  tighten(): void {
    const { short, loose } = this.#underWay;
    for (const reading of loose) short.add(reading);
    loose.clear();
  }

  get any(): boolean {
    return this.holdRuns || this.#underWay.loose.size > 0;
  }

  /** Whether there are some that runs may not change the values of. */
  get holdRuns(): boolean {
    return this.#underWay.long.size + this.#underWay.short.size > 0;
  }

  /** Waits for a few that are short. @returns whether runs may change the values: others are not waited for */
  async areOver(): Promise<boolean> {
    const { long, short } = this.#underWay;
    if (long.size > 0 || short.size > fewReadings) return false;
    if (short.size > 0) await new Promise<void>((resolve) => (this.#onShort = resolve));
    return !this.holdRuns;
  }
}

/** Values with the element each begins at. */
export type PlacedValues = readonly (readonly [NumericArray, number])[];

/** A memory that is being filled. */
interface Coming {
  readonly memory: MemoryHandle;
  readonly readings: Readings;
}

/** Each run sees the values of one moment by itself; several runs that belong together do so by a reading. */
export class StateMemory {
  /** What programs know it by: in each run it is bound to the memory there is then. */
  readonly slot: MemorySlot;
  protected readonly elements: number;
  /** A run is changing the values at this moment. */
  isChanging = false;
  #copier: Copier | undefined;
  /** Those under way in the present memory. */
  #readings = new Readings();
  /** Runs that changed the values, so far. */
  runs = 0;

  constructor(name: string, elements: number) {
    this.elements = elements;
    const bytes = Math.max(elements, 1) * 4;
    this.slot = new MemorySlot(name, bytes, 0, createMemory(bytes));
  }

  /** A copy of all values, of one step. */
  values(): Float32Array {
    return readFloats(this.#memory, this.elements);
  }

  /** The same while the event loop goes on. No run may be changing them. */
  async snapshot(): Promise<Float32Array> {
    const reading = this.read('long');
    try {
      const [[, memory]] = reading.weights as [Binding];
      const values = new Float32Array(this.elements);
      await inTurns(readInPieces(memory, values));
      return values;
    } finally {
      reading.end();
    }
  }

  /** First values, which nobody reads yet. */
  writeInPieces(values: NumericArray, offset: number): Pieces<void> {
    return writeInPieces(this.#memory, offset * 4, values);
  }

  /**
   * Makes a memory with these values while the event loop goes on; no run may change the present one meanwhile.
   * @param keepsOthers the values between the places stay. Otherwise they are zeros.
   * @returns what puts it in place; throws StateError if others that were to stay have been set meanwhile
   */
  async replacement(places: PlacedValues, keepsOthers: boolean): Promise<() => void> {
    const [before, coming] = [this.#memory, this.#begin()];
    await this.#fillWith(coming, places, keepsOthers);
    return () => {
      if (keepsOthers && this.#memory !== before)
        throw new StateError('load: expected weights that nobody sets while some are loaded, got others. Await one before the other.');
      this.#put(coming);
    };
  }

  /** Another memory, to be filled and put in place. */
  #begin(): Coming {
    return { memory: createMemory(this.slot.bytes), readings: new Readings() };
  }

  /** Fills it as `replacement`, with the other values there are at the call. */
  async #fillWith({ memory }: Coming, places: PlacedValues, keepsOthers: boolean): Promise<void> {
    const present = this.read('loose');
    try {
      if (keepsOthers) await this.#copyTo(memory, present);
      await inTurns(writeAll(memory, places));
    } finally {
      present.end();
    }
  }

  #put({ memory, readings }: Coming): void {
    this.slot.memory = memory;
    this.#readings = readings;
  }

  /** Sets all values. Readings keep those they have. */
  set(values: Float32Array): void {
    if (this.#readings.any) this.#replace(memoryWith(values));
    else native().writeMemory(this.#memory, 0, values);
  }

  /** Whether somebody reads the values there are now. */
  get isRead(): boolean {
    return this.#readings.any;
  }

  /** Whether a run must wait for `leaveToReadings` before it changes the values in place. */
  get holdsRuns(): boolean {
    return this.#readings.holdRuns;
  }

  /**
   * Readings under way keep the values they have: those that are short are waited for, and to the others these memories are left, to all at once, so that
   * whoever reads several has those of one moment.
   */
  static async leaveToReadings(memories: readonly StateMemory[]): Promise<void> {
    if (!memories.some(({ holdsRuns }) => holdsRuns)) return;
    const before = memories.map((memory) => memory.#memory);
    await Promise.all(memories.map((memory) => memory.#readings.areOver()));
    if (!memories.some(({ holdsRuns }) => holdsRuns)) return;
    const copies = memories.map((memory) => memory.#begin());
    await Promise.all(memories.map((memory, i) => memory.#fillWith(copies[i]!, [], true)));
    // Unless all values of one have been set meanwhile, in another memory.
    for (const [i, memory] of memories.entries()) if (memory.#memory === before[i]) memory.#put(copies[i]!);
  }

  /** A reading of the values where they are. Not a long one while a run is changing them. */
  read(kind: ReadingKind): Reading {
    return { ...noReading, weights: [[this.slot, this.#memory]], end: this.#readings.begin(kind) };
  }

  /** A run is about to change the values. */
  beginRun(): void {
    this.isChanging = true;
  }

  endRun(): void {
    this.isChanging = false;
    this.runs++;
  }

  /** The last run of those that belong together has ended: loose readings see nothing of later ones. */
  endTraining(): void {
    this.#readings.tighten();
  }

  /** All values of a reading, of one step, off this thread. */
  async #copyTo(memory: MemoryHandle, { weights }: Reading): Promise<void> {
    this.#copier ??= copierOf(this.slot);
    await this.#copier.program.run(new Map([...weights, [this.#copier.copy, memory]]), 1, 0);
  }

  #replace(memory: MemoryHandle): void {
    this.#put({ memory, readings: new Readings() });
  }

  get #memory(): MemoryHandle {
    return this.slot.memory!;
  }
}

function* writeAll(memory: MemoryHandle, places: PlacedValues): Pieces<void> {
  for (const [values, offset] of places) yield* writeInPieces(memory, offset * 4, values);
}
