/** Where each parameter and buffer lies in one flat vector: parameters first, contiguous, then buffers. */
import { ShapeError, StateError, formatShape } from '../errors.js';
import { type Shape, sameShape, sizeOf } from '../graph/shape.js';
import type { Initializer } from '../init.js';

export type EntryKind = 'parameter' | 'buffer';

export interface Entry {
  readonly path: string;
  readonly kind: EntryKind;
  readonly shape: Shape;
  readonly init: Initializer;
  /** Rows without a gradient keep their values and their state in the optimizer. */
  readonly lazy: boolean;
  /** Elements from the start of the vector. */
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
export const alignment = 16;

const aligned = (n: number): number => Math.ceil(n / alignment) * alignment;

export class Layout {
  readonly entries: readonly Entry[];
  /** Elements of the parameters together, gaps included: the length of the flat vector an optimizer updates. */
  readonly parameterSize: number;
  /** Elements of the whole vector. */
  readonly size: number;
  readonly #byPath: ReadonlyMap<string, Entry>;
  readonly #aliases: ReadonlyMap<string, string>;

  private constructor(entries: readonly Entry[], parameterSize: number, size: number, aliases: ReadonlyMap<string, string>) {
    this.entries = entries;
    this.#aliases = aliases;
    this.parameterSize = parameterSize;
    this.size = size;
    this.#byPath = new Map(entries.map((entry) => [entry.path, entry]));
  }

  /** @param aliases paths where layers are called again, with those they have */
  static of(requests: readonly Omit<Entry, 'offset'>[], aliases: ReadonlyMap<string, string> = new Map()): Layout {
    const entries: Entry[] = [];
    let end = 0;
    const place = (kind: EntryKind): number => {
      for (const request of requests.filter((r) => r.kind === kind)) {
        entries.push({ ...request, offset: end });
        end = aligned(end + sizeOf(request.shape));
      }
      return end;
    };
    return new Layout(entries, place('parameter'), place('buffer'), aliases);
  }

  /** What lies below a path, by the rest of theirs. */
  below(path: string): Layout {
    const rest = (one: string): string => one.slice(path.length + 1);
    const isBelow = (one: string): boolean => one.startsWith(`${path}.`);
    return Layout.of(
      this.entries.flatMap((entry) => (isBelow(entry.path) ? [{ ...entry, path: rest(entry.path) }] : [])),
      new Map([...this.#aliases].flatMap(([again, own]) => (isBelow(again) && isBelow(own) ? [[rest(again), rest(own)]] : []))),
    );
  }

  /** Whether all that is called below a path lies there. */
  isWhole(path: string): boolean {
    return path === '' || ![...this.#aliases].some(([again, own]) => isWithin(again, path) && !isWithin(own, path));
  }

  /** The paths of what is called at or below one: that one, and those of layers that were met before. */
  rootsOf(path: string): readonly string[] {
    const aliases = [...this.#aliases];
    const around = aliases.find(([again]) => isWithin(path, again));
    if (around !== undefined) return this.rootsOf(around[1] + path.slice(around[0].length));
    return [path, ...aliases.flatMap(([again, own]) => (isWithin(again, path) ? [own] : []))];
  }

  get parameters(): readonly Entry[] {
    return this.entries.filter((entry) => entry.kind === 'parameter');
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
