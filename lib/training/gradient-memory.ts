/** Gradients of several batches on their way to one update. */
import { NdArray } from '../array.js';
import type { Write } from '../compile/program.js';
import { MemorySlot, source } from '../graph/source.js';
import { sizeOf } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { createMemory, readFloats } from '../memory.js';
import type { Entry, Layout } from '../model/layout.js';
import { type MemoryHandle, native } from '../native.js';
import { add, div, equal, mul, where } from '../ops/elementwise.js';
import { pack } from '../ops/shape.js';

/**
 * Σ w·g over the batches since the last update, laid out like the parameters, and Σ w after it. w is what a batch counts in the loss, so that
 * Σ w·g / Σ w is the gradient of all batches at once, however unequal they are.
 */
export class GradientMemory {
  readonly slot: MemorySlot;
  readonly #memory: MemoryHandle;
  readonly #size: number;

  constructor({ parameterSize }: Layout) {
    this.#size = parameterSize;
    const bytes = (parameterSize + 1) * 4;
    this.#memory = createMemory(bytes);
    this.slot = new MemorySlot('gradients', bytes, 0, this.#memory);
  }

  /** @param isFirst [] whether what it held is forgotten */
  add(gradients: ReadonlyMap<Entry, Tensor>, weight: Tensor, isFirst: Tensor): readonly Write[] {
    const offsets = [...gradients.keys()].map(({ offset }) => offset);
    const sum = (begin: number, value: Tensor): Write => {
      const before = source(this.slot, begin * 4, value.shape);
      return { value: add(where(isFirst, 0, before), value), slot: this.slot, byteOffset: begin * 4, commit: true };
    };
    return [sum(0, mul(pack([...gradients.values()], offsets, this.#size), weight)), sum(this.#size, weight)];
  }

  /** The gradients of the mean of all batches, 0 where nothing counted; with `isSum` those of their sum. */
  gradients(entries: readonly Entry[], isSum: boolean): ReadonlyMap<Entry, Tensor> {
    const total = source(this.slot, this.#size * 4, []);
    // A factor, as clipping has one: with it every optimizer has a compiled loop (native/kernels/known_maps.inc).
    const factor = div(1, where(equal(total, 0), 1, total));
    const held = ({ offset, shape }: Entry): Tensor => source(this.slot, offset * 4, shape);
    return new Map(entries.map((entry) => [entry, isSum ? held(entry) : mul(held(entry), factor)]));
  }

  /** The same as they are now, by path. */
  read(entries: readonly Entry[], isSum: boolean): Map<string, NdArray<Float32Array>> {
    const total = this.#read(this.#size, 1)[0]!;
    const factor = isSum || total === 0 ? 1 : Math.fround(1 / total);
    return new Map(
      entries.map(({ path, shape, offset }) => [
        path,
        new NdArray(
          this.#read(offset, sizeOf(shape)).map((g) => g * factor),
          shape,
        ),
      ]),
    );
  }

  /** Takes the place of what it held. */
  write(gradients: ReadonlyMap<Entry, NdArray>): void {
    for (const [{ offset }, { data }] of gradients) native().writeMemory(this.#memory, offset * 4, data);
    native().writeMemory(this.#memory, this.#size * 4, Float32Array.of(1));
  }

  #read(offset: number, length: number): Float32Array {
    return readFloats(this.#memory, length, offset * 4);
  }
}
