/** Where each parameter and buffer of a model lies in its one memory: parameters first, contiguous, then buffers. */
import type { NdArray } from '../array.js';
import { ShapeError, StateError, formatShape } from '../errors.js';
import { type Shape, sameShape, sizeOf } from '../graph/shape.js';
import type { Initializer } from '../init.js';
import type { NumericArray } from '../native.js';

export type EntryKind = 'parameter' | 'buffer';

export interface Entry {
  readonly path: string;
  readonly kind: EntryKind;
  readonly shape: Shape;
  readonly init: Initializer;
  /** Rows without a gradient keep their values and their state in the optimizer. */
  readonly lazy: boolean;
  /** Elements from the start of the memory. */
  readonly offset: number;
}

/** The path of what a layer calls `name`; '' is the root. */
export function pathBelow(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** Whether a path is `root` or lies below it. */
export function isWithin(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}.`);
}

/** Entries begin on a 64-byte line, so that vectors of a parameter never straddle two. */
const alignment = 16;

const aligned = (n: number): number => Math.ceil(n / alignment) * alignment;

export class Layout {
  readonly entries: readonly Entry[];
  /** Elements of the parameters together, gaps included: the length of the flat vector an optimizer updates. */
  readonly parameterSize: number;
  /** Elements of the whole memory. */
  readonly size: number;
  readonly #byPath: ReadonlyMap<string, Entry>;

  private constructor(entries: readonly Entry[], parameterSize: number, size: number) {
    this.entries = entries;
    this.parameterSize = parameterSize;
    this.size = size;
    this.#byPath = new Map(entries.map((entry) => [entry.path, entry]));
  }

  static of(requests: readonly Omit<Entry, 'offset'>[]): Layout {
    const entries: Entry[] = [];
    let end = 0;
    const place = (kind: EntryKind): number => {
      for (const request of requests.filter((r) => r.kind === kind)) {
        entries.push({ ...request, offset: end });
        end = aligned(end + sizeOf(request.shape));
      }
      return end;
    };
    return new Layout(entries, place('parameter'), place('buffer'));
  }

  /** What lies below a path, in the same memory. */
  below(path: string): Layout {
    const prefix = `${path}.`;
    const entries = this.entries.flatMap((entry) =>
      entry.path.startsWith(prefix) ? [{ ...entry, path: entry.path.slice(prefix.length) }] : [],
    );
    return new Layout(entries, this.parameterSize, this.size);
  }

  get parameters(): readonly Entry[] {
    return this.entries.filter((entry) => entry.kind === 'parameter');
  }

  /** Values of those weights that are given, with the element each begins at. */
  placed(weights: ReadonlyMap<string, NdArray>): readonly (readonly [NumericArray, number])[] {
    return this.entries.flatMap(({ path, offset }) => (weights.has(path) ? [[weights.get(path)!.data, offset] as const] : []));
  }

  get(path: string): Entry | undefined {
    return this.#byPath.get(path);
  }

  /** The entry a layer asks for again, with the shape it had at first. */
  find(path: string, kind: EntryKind, shape: Shape, advice: string = 'Give input of the size it was built with.'): Entry {
    const entry = this.#byPath.get(path);
    if (entry === undefined || entry.kind !== kind) {
      throw new StateError(
        `${kind} "${path}": expected one the model was built with, got a new one. Ask for the same parameters in every mode.`,
      );
    }
    if (!sameShape(entry.shape, shape)) {
      throw new ShapeError(
        `${kind} "${path}": expected shape ${formatShape(entry.shape)} as the model was built, got ${formatShape(shape)}. ${advice}`,
      );
    }
    return entry;
  }
}
