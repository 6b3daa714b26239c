/** Gradients of several batches on their way to one update. */
import { NdArray } from '../array.js';
import type { Write } from '../compile/program.js';
import { MemorySlot, source } from '../graph/source.js';
import { type Shape, sizeOf } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { createMemory, readFloats } from '../memory.js';
import { type Entry, Layout } from '../model/layout.js';
import { type MemoryHandle, type NumericArray, native } from '../native.js';
import { add, div, equal, maximum, mul, where } from '../ops/elementwise.js';
import { metRows } from '../ops/row-gradient.js';
import { pack } from '../ops/shape.js';

/** What waits for a table of which rows without a gradient keep their values. */
export interface WaitingTable {
  readonly gradient: Tensor;
  /** 1 for the rows the batches met, 0 for the others: [R, 1]. */
  readonly met: Tensor;
}

/**
 * Σ w·g over the batches since the last update, laid out like the parameters, the rows of sparse tables they met, and Σ w. w is what a batch counts
 * in the loss, so that Σ w·g / Σ w is the gradient of all batches at once, however unequal they are.
 */
export class GradientMemory {
  readonly slot: MemorySlot;
  readonly #memory: MemoryHandle;
  readonly #size: number;
  /** Where the marks of rows lie, after the gradients, by the path of their table. */
  readonly #marks: Layout;

  constructor({ parameterSize, parameters }: Layout) {
    this.#size = parameterSize;
    this.#marks = Layout.of(parameters.filter(({ lazy }) => lazy).map((entry) => ({ ...entry, shape: [entry.shape[0]!, 1] })));
    const bytes = (this.#weightAt + 1) * 4;
    this.#memory = createMemory(bytes);
    this.slot = new MemorySlot('gradients', bytes, 0, this.#memory);
  }

  /** @param isFirst [] whether what it held is forgotten */
  add(gradients: ReadonlyMap<Entry, Tensor>, weight: Tensor, isFirst: Tensor): readonly Write[] {
    const join = (begin: number, value: Tensor, how: (before: Tensor, value: Tensor) => Tensor): Write => {
      const before = where(isFirst, 0, source(this.slot, begin * 4, value.shape));
      return { value: how(before, value), slot: this.slot, byteOffset: begin * 4, commit: true };
    };
    const offsets = [...gradients.keys()].map(({ offset }) => offset);
    const sum = mul(pack([...gradients.values()], offsets, this.#size), weight);
    const writes = [join(0, sum, add), join(this.#weightAt, weight, add)];
    if (this.#marks.size === 0) return writes;
    const tables = [...gradients].flatMap(([{ path }, gradient]) => {
      const marks = this.#marks.get(path);
      return marks === undefined ? [] : [{ met: metRows(gradient), offset: marks.offset }];
    });
    const met = pack(tables.map((table) => table.met), tables.map(({ offset }) => offset), this.#marks.size); // prettier-ignore
    return [...writes, join(this.#size, met, maximum)];
  }

  /** The gradients of the mean of all batches, 0 where nothing counted; with `isSum` those of their sum. */
  gradients(entries: readonly Entry[], isSum: boolean): ReadonlyMap<Entry, Tensor | WaitingTable> {
    const total = source(this.slot, this.#weightAt * 4, []);
    // A factor, as clipping has one: with it every optimizer has a compiled loop (native/kernels/known_maps.inc).
    const factor = div(1, where(equal(total, 0), 1, total));
    const held = (at: number, shape: Shape): Tensor => source(this.slot, at * 4, shape);
    return new Map(
      entries.map((entry) => {
        const sum = held(entry.offset, entry.shape);
        const gradient = isSum ? sum : mul(sum, factor);
        const marks = this.#marks.get(entry.path);
        return [entry, marks === undefined ? gradient : { gradient, met: held(this.#size + marks.offset, marks.shape) }];
      }),
    );
  }

  /** The same as they are now, by path. */
  read(entries: readonly Entry[], isSum: boolean): Map<string, NdArray<Float32Array>> {
    const total = this.#read(this.#weightAt, 1)[0]!;
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

  /** Takes the place of what it held. The rows of sparse tables that are met are those where these gradients are not 0. */
  write(gradients: ReadonlyMap<Entry, NdArray>): void {
    const put = (at: number, values: NumericArray): void => native().writeMemory(this.#memory, at * 4, values);
    for (const [{ path, offset }, { data }] of gradients) {
      put(offset, data);
      const marks = this.#marks.get(path);
      if (marks !== undefined) put(this.#size + marks.offset, marksOf(data, sizeOf(marks.shape)));
    }
    put(this.#weightAt, Float32Array.of(1));
  }

  get #weightAt(): number {
    return this.#size + this.#marks.size;
  }

  #read(offset: number, length: number): Float32Array {
    return readFloats(this.#memory, length, offset * 4);
  }
}

/** 1 for rows with a gradient that is not 0, 0 for the others. */
function marksOf(data: NumericArray, rows: number): Float32Array {
  const columns = data.length / rows;
  const marks = new Float32Array(rows);
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) marks[Math.floor(i / columns)] = 1;
  return marks;
}
