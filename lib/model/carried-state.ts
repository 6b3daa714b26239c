/** The states of recurrent layers between one step and the next: a memory each. */
import { NdArray } from '../array.js';
import type { Binding, Write } from '../compile/program.js';
import { ShapeError, StateError, formatShape } from '../errors.js';
import { MemorySlot, source } from '../graph/source.js';
import { type Shape, sameShape, sizeOf } from '../graph/shape.js';
import { createMemory, readFloats } from '../memory.js';
import { type MemoryHandle, native } from '../native.js';
import type { Carry, Trace } from './trace.js';

interface Entry {
  readonly slot: MemorySlot;
  readonly memory: MemoryHandle;
  readonly shape: Shape;
}

export class CarriedState {
  readonly #entries: Map<string, Entry>;

  constructor(entries: ReadonlyMap<string, Entry> = new Map()) {
    this.#entries = new Map(entries);
  }

  /** States as a step finds them; zeros at first. Programs that trace the same path share it. */
  readonly carry: Carry = {
    state: (path, shape) => {
      const entry = this.#entries.get(path) ?? this.#create(path, shape);
      if (!sameShape(entry.shape, shape)) {
        throw new ShapeError(
          `scope.state: expected shape ${formatShape(entry.shape)} for "${path}", as in the steps before, got ${formatShape(shape)}. A state has one shape, however long a step is.`,
        );
      }
      return source(entry.slot, 0, entry.shape);
    },
  };

  /** Leaves the values for the next step where this one found its own. */
  writes({ kept }: Trace): readonly Write[] {
    return [...kept].map(([path, value]) => ({ value, slot: this.#entries.get(path)!.slot, byteOffset: 0, commit: true }));
  }

  /** The same states for other runs of the same programs: zeros, in memories of their own, so that they do not disturb each other. */
  another(): CarriedState {
    return new CarriedState(
      new Map([...this.#entries].map(([path, entry]) => [path, { ...entry, memory: createMemory(entry.slot.bytes) }])),
    );
  }

  /** What programs are bound to for these states. */
  bindings(): readonly Binding[] {
    return [...this.#entries.values()].map(({ slot, memory }) => [slot, memory]);
  }

  /** Zeros for one run of its own. */
  fresh(): readonly Binding[] {
    return this.another().bindings();
  }

  /** Their shapes, by path. */
  shapes(): ReadonlyMap<string, Shape> {
    return new Map([...this.#entries].map(([path, { shape }]) => [path, shape]));
  }

  /** Back to zeros. */
  reset(): void {
    for (const { memory, shape } of this.#entries.values()) native().writeMemory(memory, 0, new Float32Array(sizeOf(shape)));
  }

  /** Copies of all states, by path. */
  read(): Map<string, NdArray<Float32Array>> {
    return new Map([...this.#entries].map(([path, { memory, shape }]) => [path, new NdArray(readFloats(memory, sizeOf(shape)), shape)]));
  }

  /** Sets all states, or none. @throws StateError for other names; ShapeError for other shapes or element types */
  write(what: string, states: ReadonlyMap<string, NdArray>): void {
    const names = [...this.#entries.keys()];
    if (states.size !== names.length || !names.every((name) => states.has(name))) {
      const list = (of: readonly string[]): string => of.map((name) => `"${name}"`).join(', ') || 'none';
      throw new StateError(`${what}: expected states ${list(names)}, got ${list([...states.keys()])}. Give all that its state holds.`);
    }
    for (const [path, { shape }] of this.#entries) {
      const value = states.get(path)!;
      if (sameShape(value.shape, shape) && value.dtype === 'float32' && value.data.length === sizeOf(shape)) continue;
      throw new ShapeError(
        `${what}: expected float32 ${formatShape(shape)} for state "${path}", got ${value.dtype} ${formatShape(value.shape)}. Its rows are those of the stream.`,
      );
    }
    for (const [path, { memory }] of this.#entries) native().writeMemory(memory, 0, states.get(path)!.data);
  }

  #create(path: string, shape: Shape): Entry {
    const bytes = sizeOf(shape) * 4;
    const memory = createMemory(bytes);
    const entry = { slot: new MemorySlot(`state "${path}"`, bytes, 0, memory), memory, shape };
    this.#entries.set(path, entry);
    return entry;
  }
}
