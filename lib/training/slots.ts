/** The state that optimizers keep: one flat vector as long as the parameters for each slot of any of them, in one memory. */
import { NdArray } from '../array.js';
import { ShapeError, StateError } from '../errors.js';
import { MemorySlot } from '../graph/source.js';
import { sizeOf } from '../graph/tensor.js';
import { createMemory, readFloats } from '../memory.js';
import { type MemoryHandle, native } from '../native.js';
import type { Layout } from '../model/layout.js';
import { optimizersByEntry } from './groups.js';
import { type Recipe, optimizersOf } from './recipe.js';

export class Slots {
  readonly names: readonly string[];
  /** The slots each parameter has, by path. */
  readonly byPath: ReadonlyMap<string, readonly string[]>;
  readonly slot: MemorySlot;
  readonly #memory: MemoryHandle;
  readonly #length: number;

  constructor(layout: Layout, recipe: Recipe) {
    const owners = optimizersByEntry(layout, recipe);
    this.names = [...new Set(optimizersOf(recipe).flatMap(({ slots }) => slots))];
    this.byPath = new Map([...owners].map(([{ path }, { slots }]) => [path, slots]));
    this.#length = layout.parameterSize;
    const bytes = Math.max(this.names.length * this.#length, 1) * 4;
    this.#memory = createMemory(bytes);
    this.slot = new MemorySlot('optimizer slots', bytes, 0, this.#memory);
    for (const name of this.names) {
      for (const [{ offset, shape }, { slotInit }] of owners) {
        const first = slotInit[name] ?? 0;
        if (first !== 0) native().writeMemory(this.#memory, this.offset(name) + offset * 4, new Float32Array(sizeOf(shape)).fill(first));
      }
    }
  }

  /** Bytes from the start of the memory. */
  offset(name: string): number {
    return this.names.indexOf(name) * this.#length * 4;
  }

  /** Copies of all slots, by name. */
  read(): Map<string, NdArray> {
    return new Map(
      this.names.map((name) => [name, new NdArray(readFloats(this.#memory, this.#length, this.offset(name)), [this.#length])]),
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

  write(values: ReadonlyMap<string, NdArray>): void {
    for (const [name, { data }] of values) native().writeMemory(this.#memory, this.offset(name), data);
  }
}
