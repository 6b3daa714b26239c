/** The state that optimizers keep: one flat vector as long as the parameters for each slot of any of them, in one memory. */
import { NdArray } from '../array.js';
import { ShapeError, StateError } from '../errors.js';
import type { MemorySlot } from '../graph/source.js';
import { sizeOf } from '../graph/shape.js';
import { Layout } from '../model/layout.js';
import { StateMemory } from '../model/state-memory.js';
import { inOneGo } from '../pieces.js';
import { optimizersByEntry } from './groups.js';
import { type Recipe, optimizersOf } from './recipe.js';

export class Slots {
  readonly names: readonly string[];
  /** The slots each parameter has, by path. */
  readonly byPath: ReadonlyMap<string, readonly string[]>;
  readonly memory: StateMemory;
  readonly #layout: Layout;
  readonly #length: number;

  constructor(layout: Layout, recipe: Recipe) {
    const owners = optimizersByEntry(layout, recipe);
    this.names = [...new Set(optimizersOf(recipe).flatMap(({ slots }) => slots))];
    this.byPath = new Map([...owners].map(([{ path }, { slots }]) => [path, slots]));
    this.#layout = layout;
    this.#length = layout.parameterSize;
    this.memory = new StateMemory('optimizer slots', this.names.length * this.#length);
    for (const name of this.names) {
      for (const [{ offset, shape }, { slotInit }] of owners) {
        const first = slotInit[name] ?? 0;
        if (first !== 0) inOneGo(this.memory.writeInPieces(new Float32Array(sizeOf(shape)).fill(first), this.#begin(name) + offset));
      }
    }
  }

  /** What programs know them by. */
  get slot(): MemorySlot {
    return this.memory.slot;
  }

  /** Bytes from the start of the memory. */
  offset(name: string): number {
    return this.#begin(name) * 4;
  }

  /** Elements from there. */
  #begin(name: string): number {
    return this.names.indexOf(name) * this.#length;
  }

  /** Copies of all slots as they are now, by name, made while the event loop goes on. No run may be changing them. */
  async snapshot(): Promise<Map<string, NdArray>> {
    const values = await this.memory.snapshot();
    return new Map(
      this.names.map((name) => [name, new NdArray(values.subarray(this.#begin(name), this.#begin(name) + this.#length), [this.#length])]),
    );
  }

  /**
   * @param byPath the slots each parameter has. Undefined: all of them
   * @throws unless the values are those of the same slots, sizes and parameters
   */
  check(values: ReadonlyMap<string, NdArray>, byPath: ReadonlyMap<string, readonly string[]> | undefined): void {
    const names = [...values.keys()];
    if (names.length !== this.names.length || !this.names.every((name) => values.has(name))) {
      throw new StateError(
        `Trainer.load: expected slots ${this.names.join(', ') || 'none'} of this optimizer, got ${names.join(', ') || 'none'}. Load with the optimizer the checkpoint was saved with.`,
      );
    }
    for (const [name, { size, dtype }] of values) {
      if (size !== this.#length || dtype !== 'float32')
        throw new ShapeError(`Trainer.load: expected ${this.#length} float32 values in slot ${name}, got ${size} ${dtype}.`);
    }
    for (const [path, slots] of this.byPath) {
      const [expected, got] = [slots, byPath === undefined ? this.names : (byPath.get(path) ?? [])].map(
        (list) => list.join(', ') || 'none',
      );
      if (expected !== got)
        throw new StateError(
          `Trainer.load: expected slots ${expected} for "${path}", got ${got}. Load with the optimizer and the groups the checkpoint was saved with.`,
        );
    }
  }

  /**
   * Takes in values that were checked while the event loop goes on.
   * @param paths of the parameters, in the order the values are in
   * @returns what puts them in place
   */
  toSet(values: ReadonlyMap<string, NdArray>, paths: readonly string[]): Promise<() => void> {
    const own = new Map(this.#layout.parameters.map((entry) => [entry.path, entry]));
    const given = Layout.of(paths.flatMap((path) => own.get(path) ?? []));
    const placed = [...values].flatMap(([name, { data }]) =>
      given.entries.map(
        ({ path, shape, offset }) => [data.subarray(offset, offset + sizeOf(shape)), this.#begin(name) + own.get(path)!.offset] as const,
      ),
    );
    return this.memory.replacement(placed, false);
  }
}
