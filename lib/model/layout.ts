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
  return path === '' || name === '' ? path + name : `${path}.${name}`;
}

/** Whether a path is `root` or lies below it. */
export function isWithin(path: string, root: string): boolean {
  return root === '' || path === root || path.startsWith(`${root}.`);
}

/** A layer is called again at one path, but lies at another. */
export interface Alias {
  readonly again: string;
  readonly own: string;
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
  readonly #aliases: readonly Alias[];

  private constructor(entries: readonly Entry[], parameterSize: number, size: number, aliases: readonly Alias[]) {
    this.entries = entries;
    this.#aliases = aliases;
    this.parameterSize = parameterSize;
    this.size = size;
    this.#byPath = new Map(entries.map((entry) => [entry.path, entry]));
  }

  static of(requests: readonly Omit<Entry, 'offset'>[], aliases: readonly Alias[] = []): Layout {
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

  /** The parameters and buffers that the layer of a path has itself, by name. */
  own(path: string): ReadonlyMap<string, Entry> {
    const names = this.entries.flatMap((entry) =>
      isWithin(entry.path, path) ? [[entry.path.slice(path === '' ? 0 : path.length + 1), entry] as const] : [],
    );
    return new Map(names.filter(([name]) => !name.includes('.')));
  }

  /** What the layer of a path calls, by the paths it has there when that is used by itself, and those paths with the ones here. */
  below(path: string): { readonly layout: Layout; readonly paths: ReadonlyMap<string, string> } {
    const spots = this.#calledBelow(path, '');
    const paths = new Map<string, string>();
    const entries = this.entries.flatMap((entry) => {
      const spot = spots.find(({ own }) => isWithin(entry.path, own));
      if (spot === undefined) return [];
      const there = pathBelow(spot.again, entry.path.slice(spot.own.length + 1));
      paths.set(there, entry.path);
      return [{ ...entry, path: there }];
    });
    // Of those that are called there several times, the later ones.
    const aliases = spots.flatMap(({ again, own }, i) => {
      const first = spots.slice(0, i).find((spot) => isWithin(own, spot.own));
      return first === undefined || again === '' ? [] : [{ again, own: pathBelow(first.again, own.slice(first.own.length + 1)) }];
    });
    return { layout: Layout.of(entries, aliases), paths };
  }

  /** The paths of what is called at or below one: that one, and those of layers that were met before. */
  rootsOf(path: string): readonly string[] {
    const around = this.#aliases.filter(({ again }) => isWithin(path, again) && path !== again);
    const roots = [path, ...around.map(({ again, own }) => pathBelow(own, path.slice(again.length + 1)))];
    return [...new Set(roots.flatMap((root) => this.#calledBelow(root, '').map(({ own }) => own)))];
  }

  /** A path, and all that is called at or below it but lies elsewhere, by the paths it is called at there. */
  #calledBelow(path: string, at: string, seen: ReadonlySet<string> = new Set()): readonly Alias[] {
    if (seen.has(path)) return [];
    const called = this.#aliases.filter(({ again, own }) => isWithin(again, path) && !isWithin(own, path));
    const around = new Set([...seen, path]);
    const further = called.flatMap(({ again, own }) =>
      this.#calledBelow(own, pathBelow(at, again.slice(path.length + (path === '' ? 0 : 1))), around),
    );
    return [{ again: at, own: path }, ...further];
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
