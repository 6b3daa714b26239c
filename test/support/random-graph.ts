/** Random graphs of small tensors of every element type, for comparing compiled programs with the reference. */
import { topologicalOrder } from '../../lib/graph/order.js';
import { MemorySlot, source } from '../../lib/graph/source.js';
import type { Shape } from '../../lib/graph/shape.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import type { NumericArray } from '../../lib/native.js';
import { type Choice, makers } from './random-operations.js';

/** A small generator of numbers in [0, 1) (Marsaglia 2003, xorshift32): tests are the same every time. */
export function generator(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** Values in multiples of 1/16 within ±2: sums of a few are exact, so that no comparison hangs on a last bit. */
export function randomValues(count: number, random: () => number): Float32Array {
  return Float32Array.from({ length: count }, () => Math.round((random() * 4 - 2) * 16) / 16);
}

/** The memories a graph reads, with their first values. Only the state is written. */
export interface Memory {
  readonly state: MemorySlot;
  /** Multiples of 1/4: products of three and their sums are exact, in whatever order they are made. */
  readonly exact: MemorySlot;
  /** 64 ids in 0 … 3, then whole numbers of any size. */
  readonly ids: MemorySlot;
  readonly bytes: MemorySlot;
  readonly values: ReadonlyMap<MemorySlot, NumericArray>;
}

export const stateSize = 256;
const exactSize = 4096;
const idCount = 64;
const otherCount = 128;

export function randomMemory(random: () => number): Memory {
  const integer = (n: number): number => Math.floor(random() * n);
  const values = {
    state: randomValues(stateSize, random),
    exact: Float32Array.from({ length: exactSize }, () => (integer(13) - 6) / 4),
    ids: Int32Array.from({ length: otherCount }, (_, i) =>
      i < idCount ? integer(4) : (integer(2001) - 1000) * (integer(8) === 0 ? 4096 : 1),
    ),
    bytes: Uint8Array.from({ length: otherCount }, () => integer(256) * integer(2)),
  };
  const slot = (name: keyof typeof values): MemorySlot => new MemorySlot(name, values[name].byteLength);
  const [state, exact, ids, bytes] = [slot('state'), slot('exact'), slot('ids'), slot('bytes')];
  return { state, exact, ids, bytes, values: new Map<MemorySlot, NumericArray>([[state, values.state], [exact, values.exact], [ids, values.ids], [bytes, values.bytes]]) }; // prettier-ignore
}

export interface Graph {
  /** float32 */
  readonly tensors: readonly Tensor[];
  /** int32 and uint8 */
  readonly others: readonly Tensor[];
}

/** Errors of operations that do not take what chance gave them, and of a choice of nothing. */
const refusals: ReadonlySet<string> = new Set(['ShapeError', 'StateError', 'NothingFits']);

function nothingFits(): never {
  throw Object.assign(new Error(), { name: 'NothingFits' });
}

/** A graph of about `size` operations. */
export function randomGraph(memory: Memory, size: number, random: () => number): Graph {
  const integer = (n: number): number => Math.floor(random() * n);
  const one = <T>(list: readonly T[]): T => (list.length === 0 ? nothingFits() : list[integer(list.length)]!);
  const count = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);
  const tensors: Tensor[] = ([[4, 6], [6], [4, 1], [2, 3, 4], [24], []] as Shape[]).map((shape) =>
    source(memory.state, integer(stateSize - count(shape) + 1) * 4, shape),
  );
  const others: Tensor[] = ([[4, 6], [6], [4, 1], [2, 3, 4], []] as Shape[]).flatMap((shape) => [
    source(memory.ids, (idCount + integer(otherCount - idCount - count(shape))) * 4, shape, 'int32'),
    source(memory.bytes, integer(otherCount - count(shape)), shape, 'uint8'),
  ]);
  const fits = (t: Tensor, x: Tensor): boolean =>
    t.rank <= x.rank && t.shape.every((n, i) => n === 1 || n === x.shape[i + x.rank - t.rank]);
  const choice: Choice = {
    random,
    integer,
    one,
    tensors,
    others,
    like: (x, from = random() < 0.15 ? others : tensors) => {
      const fitting = from.filter((t) => fits(t, x));
      return fitting.length === 0 || random() < 0.2 ? one([0, 1, -1, 0.5, 2, -0, random() < 0.1 ? NaN : 1e-40]) : one(fitting);
    },
    exact: (shape) => source(memory.exact, integer(exactSize - count(shape)) * 4, shape),
    ids: (shape) => source(memory.ids, integer(idCount - count(shape) + 1) * 4, shape, 'int32'),
    ancestors: (y) => {
      const behind = new Set(topologicalOrder([y]));
      return tensors.filter((t) => t !== y && behind.has(t.node));
    },
  };
  const recent = (): Tensor => (random() < 0.6 ? tensors[Math.max(0, tensors.length - 1 - integer(6))]! : one(tensors));
  for (let tries = 0; tensors.length < size && tries < 20 * size; tries++) {
    const x = recent();
    let made: readonly Tensor[] = [];
    try {
      made = one(makers)(x, choice);
    } catch (error) {
      if (!(error instanceof Error) || !refusals.has(error.name)) throw error;
    }
    for (const t of made) if (t.size > 0 && t.size <= 600 && t.rank <= 4) (t.dtype === 'float32' ? tensors : others).push(t);
  }
  return { tensors, others };
}
