/** The weights of a model, wherever they lie: in a memory of its own, and in those of models that were built before it with some of its layers. */
import { append } from '../append.js';
import { NdArray } from '../array.js';
import { sizeOf } from '../graph/shape.js';
import type { NumericArray } from '../native.js';
import type { Pieces } from '../pieces.js';
import { type Entry, Layout, isWithin, pathBelow } from './layout.js';
import { type PlacedValues, type Reading, type ReadingKind, allOf } from './state-memory.js';
import { WeightMemory } from './weight-memory.js';

export interface Place {
  readonly memory: WeightMemory;
  /** Its first element there. */
  readonly at: number;
}

export class PlacedWeights {
  readonly layout: Layout;
  readonly memories: readonly WeightMemory[];
  /** The model's own among them. */
  readonly own: WeightMemory | undefined;
  /** By path. */
  readonly #places: ReadonlyMap<string, Place>;

  private constructor(layout: Layout, places: ReadonlyMap<string, Place>, own?: WeightMemory) {
    this.layout = layout;
    this.own = own;
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
    return new PlacedWeights(layout, new Map([...shared, ...places]), memory);
  }

  /** What lies below a path. */
  below(path: string): PlacedWeights {
    const layout = this.layout.below(path);
    return new PlacedWeights(layout, new Map(layout.entries.map((entry) => [entry.path, this.place(pathBelow(path, entry.path))])));
  }

  place(path: string): Place {
    return this.#places.get(path)!;
  }

  /** The memories that training changes. */
  trained(frozen: readonly string[]): readonly WeightMemory[] {
    const paths = [...this.#places.keys()].filter((path) => !frozen.some((root) => isWithin(path, root)));
    return [...new Set(paths.map((path) => this.place(path).memory))];
  }

  /** Copies of all, by path. */
  values(): Map<string, NdArray<Float32Array>> {
    const values = new Map(this.memories.map((memory) => [memory, memory.values()]));
    return this.#arrays((memory, begin, end) => values.get(memory)!.slice(begin, end));
  }

  /** The same of one moment, made while the event loop goes on. */
  async snapshot(): Promise<Map<string, NdArray<Float32Array>>> {
    const values = new Map(await Promise.all(this.memories.map(async (memory) => [memory, await memory.snapshot()] as const)));
    return this.#arrays((memory, begin, end) => values.get(memory)!.subarray(begin, end));
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

  read(kindOf: (memory: WeightMemory) => ReadingKind): Reading {
    return allOf(this.memories.map((memory) => memory.read(kindOf(memory))));
  }

  readSync(): Reading {
    return allOf(this.memories.map((memory) => memory.readSync()));
  }

  /** Writes what is left of the first values. */
  fill(): void {
    for (const memory of this.memories) memory.fill();
  }

  /** The same while the event loop goes on. */
  async fillInPieces(): Promise<void> {
    await Promise.all(this.memories.map((memory) => memory.fillInPieces()));
  }

  #arrays(part: (memory: WeightMemory, begin: number, end: number) => Float32Array): Map<string, NdArray<Float32Array>> {
    return new Map(
      this.layout.entries.map(({ path, shape }) => {
        const { memory, at } = this.place(path);
        return [path, new NdArray(part(memory, at, at + sizeOf(shape)), shape)];
      }),
    );
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
