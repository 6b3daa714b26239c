/** The weights of a model, wherever they lie: in a memory of its own, and in those of models that were built before it with some of its layers. */
import { append } from '../append.js';
import { NdArray } from '../array.js';
import { type Binding, type Program, prepare } from '../compile/program.js';
import { sizeOf } from '../graph/shape.js';
import { MemorySlot, source } from '../graph/source.js';
import { createMemory, readFloats, readInPieces } from '../memory.js';
import type { MemoryHandle, NumericArray } from '../native.js';
import { type Pieces, inTurns } from '../pieces.js';
import { type Entry, Layout, alignment, isWithin } from './layout.js';
import { type PlacedValues, type Reading, allOf, noReading } from './state-memory.js';
import { WeightMemory } from './weight-memory.js';

export interface Place {
  readonly memory: WeightMemory;
  /** Its first element there. */
  readonly at: number;
}

/** Weights as they were while a run changed them. */
interface Copy {
  readonly weights: readonly Binding[];
  readonly ready: Promise<unknown>;
  /** The memories they were copied from. */
  readonly of: readonly (MemoryHandle | undefined)[];
  /** Runs that had ended before. */
  readonly runs: number;
}

/** A program that copies the weights from all memories at once, so that they are of one step, to the same places in others. */
interface Copier {
  readonly program: Program;
  /** What the program knows the others by. */
  readonly copies: readonly MemorySlot[];
}

interface Stretch extends Place {
  readonly size: number;
}

export class PlacedWeights {
  readonly layout: Layout;
  readonly memories: readonly WeightMemory[];
  /** By path. */
  readonly #places: ReadonlyMap<string, Place>;
  /** What is being made for readings that begin while a run changes the weights. */
  #copy: Copy | undefined;
  /** For copies off this thread and on it. */
  #copier: Copier | undefined;
  #syncCopier: Copier | undefined;

  private constructor(layout: Layout, places: ReadonlyMap<string, Place>) {
    this.layout = layout;
    this.#places = places;
    this.memories = [...new Set([...places.values()].map(({ memory }) => memory))];
  }

  /**
   * @param shared where those lie that other models have, by path
   * @param firstValues of the others, which get a memory of this model
   */
  static of(
    layout: Layout,
    shared: ReadonlyMap<string, Place>,
    firstValues: (entry: Entry, index: number) => Pieces<NumericArray>,
  ): PlacedWeights {
    const indices = new Map(layout.entries.map(({ path }, index) => [path, index]));
    const own = Layout.of(layout.entries.filter(({ path }) => !shared.has(path)));
    const first = own.entries.map((entry) => ({
      at: entry.offset,
      size: sizeOf(entry.shape),
      values: () => firstValues(entry, indices.get(entry.path)!),
    }));
    const memory = new WeightMemory(own.size, first);
    const places = own.entries.map(({ path, offset }) => [path, { memory, at: offset }] as const);
    return new PlacedWeights(layout, new Map([...shared, ...places]));
  }

  /** What the layer of a path calls, by the paths it has when that is used by itself. */
  below(path: string): PlacedWeights {
    const { layout, paths } = this.layout.below(path);
    return new PlacedWeights(layout, new Map([...paths].map(([own, here]) => [own, this.place(here)])));
  }

  place(path: string): Place {
    return this.#places.get(path)!;
  }

  /** The memories that training changes. */
  trained(frozen: readonly string[]): readonly WeightMemory[] {
    const kept = frozen.flatMap((root) => this.layout.rootsOf(root));
    const paths = [...this.#places.keys()].filter((path) => !kept.some((root) => isWithin(path, root)));
    return [...new Set(paths.map((path) => this.place(path).memory))];
  }

  /** Copies of all, of one step, by path. */
  values(): Map<string, NdArray<Float32Array>> {
    const reading = this.readSync();
    const handles = new Map(reading.weights);
    reading.end();
    return new Map(
      this.layout.entries.map(({ path, shape }) => {
        const { memory, at } = this.place(path);
        return [path, new NdArray(readFloats(handles.get(memory.slot)!, sizeOf(shape), at * 4), shape)];
      }),
    );
  }

  /** The same made while the event loop goes on. */
  async snapshot(): Promise<Map<string, NdArray<Float32Array>>> {
    const reading = this.read();
    const handles = new Map(reading.weights);
    try {
      await reading.ready();
      return await inTurns(this.#readInPieces(handles));
    } finally {
      reading.end();
    }
  }

  *#readInPieces(handles: ReadonlyMap<MemorySlot, MemoryHandle>): Pieces<Map<string, NdArray<Float32Array>>> {
    const values = new Map<string, NdArray<Float32Array>>();
    for (const { path, shape } of this.layout.entries) {
      const { memory, at } = this.place(path);
      const value = new Float32Array(sizeOf(shape));
      yield* readInPieces(handles.get(memory.slot)!, value, at * 4);
      values.set(path, new NdArray(value, shape));
    }
    return values;
  }

  /** Sets those that are given. @param memories that are set; the others stay as they are */
  set(weights: ReadonlyMap<string, NdArray>, memories: readonly WeightMemory[] = this.memories): void {
    for (const [memory, values] of this.#placed(weights)) if (memories.includes(memory)) memory.setAt(values);
  }

  /** The same while the event loop goes on, with arrays that nobody changes. @returns what sets them */
  async toSet(weights: ReadonlyMap<string, NdArray>): Promise<() => void> {
    const all = await Promise.all([...this.#placed(weights)].map(([memory, values]) => memory.toSet(values)));
    return () => {
      for (const set of all) set();
    };
  }

  /**
   * The weights of this moment; while a run is changing them those of some step, in a copy.
   * @param isShort over as soon as a copy: one run, which sees those of some step where they are
   */
  read(isShort = false): Reading {
    if (isShort) return allOf(this.memories.map((memory) => memory.read(memory.trainedBy === undefined ? 'short' : 'loose')));
    if (!this.#areChanging) return allOf(this.memories.map((memory) => memory.read('long')));
    // One copy for all that begin until it is made, unless the run has ended or weights were set: it may be of before.
    const { weights, ready } = this.#isCurrent(this.#copy) ? this.#copy : this.#beginCopy();
    return { ...noReading, weights, ready: () => ready };
  }

  /** The same for runs on this thread. */
  readSync(): Reading {
    this.fill();
    if (!this.#areChanging) return allOf(this.memories.map((memory) => memory.read('long')));
    const { program, copies } = (this.#syncCopier ??= this.#makeCopier());
    const weights = this.#emptyCopies();
    program.runSync(new Map(copies.map((copy, i) => [copy, weights[i]![1]])), 1, 0);
    return { ...noReading, weights };
  }

  get #areChanging(): boolean {
    return this.memories.some(({ isChanging }) => isChanging);
  }

  /** Runs that changed any of them, so far. */
  get #runs(): number {
    return this.memories.reduce((sum, { runs }) => sum + runs, 0);
  }

  #isCurrent(copy: Copy | undefined): copy is Copy {
    return copy?.runs === this.#runs && this.memories.every(({ slot }, i) => slot.memory === copy.of[i]);
  }

  /** The next run waits for it. */
  #beginCopy(): Copy {
    this.fill();
    const present = allOf(this.memories.map((memory) => memory.read('short')));
    const { program, copies } = (this.#copier ??= this.#makeCopier());
    const weights = this.#emptyCopies();
    const bound = new Map([...present.weights, ...copies.map((slot, i) => [slot, weights[i]![1]] as const)]);
    const ready = program.run(bound, 1, 0).finally(() => {
      if (this.#copy === copy) this.#copy = undefined;
      present.end();
    });
    ready.catch(() => undefined); // Whoever begins the runs meets it.
    const copy: Copy = { weights, ready, of: this.memories.map(({ slot }) => slot.memory), runs: this.#runs };
    return (this.#copy = copy);
  }

  #emptyCopies(): readonly Binding[] {
    return this.memories.map(({ slot }) => [slot, createMemory(slot.bytes)] as const);
  }

  #makeCopier(): Copier {
    const copies = this.memories.map(({ slot }) => new MemorySlot('copy', slot.bytes));
    const writes = this.#stretches().map(({ memory, at, size }) => ({
      value: source(memory.slot, at * 4, [size]),
      slot: copies[this.memories.indexOf(memory)]!,
      byteOffset: at * 4,
      commit: false,
    }));
    return { program: prepare(writes), copies };
  }

  /** Weights that lie beside each other, as one. */
  #stretches(): readonly Stretch[] {
    const stretches: Stretch[] = [];
    for (const { path, shape } of this.layout.entries) {
      const { memory, at } = this.place(path);
      const last = stretches.at(-1);
      const size = sizeOf(shape);
      if (last?.memory === memory && at >= last.at + last.size && at < last.at + last.size + alignment)
        stretches[stretches.length - 1] = { ...last, size: at + size - last.at };
      else stretches.push({ memory, at, size });
    }
    return stretches;
  }

  /** Writes what is left of the first values. */
  fill(): void {
    for (const memory of this.memories) memory.fill();
  }

  /** The same while the event loop goes on. */
  async fillInPieces(): Promise<void> {
    await Promise.all(this.memories.map((memory) => memory.fillInPieces()));
  }

  /** What is given, by the memory it belongs to. */
  #placed(weights: ReadonlyMap<string, NdArray>): ReadonlyMap<WeightMemory, PlacedValues> {
    const placed = new Map<WeightMemory, [NumericArray, number][]>();
    for (const [path, { data }] of weights) {
      const place = this.#places.get(path);
      if (place !== undefined) append(placed, place.memory, [data, place.at]);
    }
    return placed;
  }
}
