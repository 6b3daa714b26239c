/** The weights a model has of layers that are at home in another: copies, by what these were when they were made. */
import { ShapeError, StateError } from '../errors.js';
import { sameShape, sizeOf } from '../graph/shape.js';
import { bytesOf } from '../typed-arrays.js';
import { type Home, type Places, changesSoFar, homeOf } from './home.js';
import { type Layout, isWithin, pathBelow } from './layout.js';
import type { Model } from './model.js';
import type { Coming, Reading, StateMemory } from './state-memory.js';
import type { AnyLayer } from './trace.js';
import { noteTrained } from './trained-copies.js';

/** A parameter or buffer that is copied. */
interface Copied {
  readonly layer: AnyLayer;
  readonly from: Model;
  /** Its first element there. */
  readonly begin: number;
  readonly size: number;
  /** Its first element here. */
  readonly offset: number;
}

/** Copies on their way, in another memory. */
interface Writing {
  readonly taken: number;
  readonly coming: Coming;
  readonly ready: Promise<void>;
}

export class Copies {
  readonly #places: Places;
  readonly #layout: Layout;
  /** Paths that have values of their own. */
  readonly #given: ReadonlySet<string>;
  #entries: readonly Copied[] = [];
  /** Changes of the home of each layer that is copied and was not trained here. */
  readonly #changes = new Map<AnyLayer, number>();
  /** Changes of all homes when the copies were last known to be current. */
  #seen = -1;
  /** Number of the latest list of copies, and of the latest one written. */
  #taken = 0;
  #written = 0;
  /** Copies of the last time, on their way. */
  #writing: Writing | undefined;
  /** Layers with parameters that are at home in another model, once this one has its own. */
  #apart: readonly AnyLayer[] | undefined;

  /** @throws as take */
  constructor(places: Places, layout: Layout, given: ReadonlySet<string>) {
    this.#places = places;
    this.#layout = layout;
    this.#given = given;
    this.take();
  }

  /** From now on there is to copy what layers bring along now. @throws ShapeError if it does not fit */
  take(): void {
    const homes = [...this.#places].flatMap(([layer, place]) => {
      const home = homeElsewhere(layer, place);
      return home === undefined ? [] : [{ layer, home, path: place.path }];
    });
    this.#entries = homes.flatMap(({ layer, home, path }) => this.#entriesOf(layer, home, path));
    this.#changes.clear();
    for (const { layer, home } of homes) this.#changes.set(layer, home.model.changes);
    if (this.#entries.length > 0) this.#taken++;
  }

  /** Whether layers would bring along what was taken. */
  get areCurrent(): boolean {
    const now = changesSoFar();
    if (this.#seen === now) return true;
    let areStill = true;
    for (const [layer, place] of this.#places) {
      const home = homeElsewhere(layer, place);
      if (home === undefined) continue;
      if (this.#changes.get(layer) !== home.model.changes) return false;
      if (home.model.isChanging) areStill = false;
    }
    // What a run is changing is current until it has been written.
    if (!areStill) return !this.areWritten;
    this.#seen = now;
    return true;
  }

  /** Where what is copied begins: there no first values are needed. */
  get offsets(): ReadonlySet<number> {
    return new Set(this.#entries.map(({ offset }) => offset));
  }

  /** Whether what was taken is in the model's memory. */
  get areWritten(): boolean {
    return this.#written === this.#taken;
  }

  /** Copies what was taken. */
  write(memory: StateMemory): void {
    if (this.areWritten) return;
    const there = new Map(this.#homes.map((model) => [model, model.values()]));
    const values = memory.values();
    for (const { from, begin, size, offset } of this.#entries) values.set(there.get(from)!.subarray(begin, begin + size), offset);
    memory.set(values);
    this.#written = this.#taken;
  }

  /** The same while the event loop goes on. @param filled when the other values are there */
  async writeInPieces(memory: StateMemory, filled: Promise<void>): Promise<void> {
    const taken = this.#taken;
    while (this.#written < taken) await this.#begin(memory, filled).ready;
  }

  /** A reading of the memory as it will be with copies of this moment. @param filled as writeInPieces */
  read(memory: StateMemory, filled: Promise<void>): Reading {
    const { coming, ready } = this.#begin(memory, filled);
    return memory.readComing(coming, ready);
  }

  #begin(memory: StateMemory, filled: Promise<void>): Writing {
    const taken = this.#taken;
    if (this.#writing?.taken === taken) return this.#writing;
    const coming = memory.begin();
    const ready = this.#fill(memory, coming, filled).finally(() => {
      if (this.#writing?.taken === taken) this.#writing = undefined;
    });
    ready.catch(() => undefined); // Whoever begins the runs meets it.
    return (this.#writing = { taken, coming, ready });
  }

  /** Fills another memory, and puts it in place unless later ones are there. */
  async #fill(memory: StateMemory, coming: Coming, filled: Promise<void>): Promise<void> {
    const [taken, entries] = [this.#taken, this.#entries];
    const snapshots = this.#homes.map(async (model) => [model, await model.valuesInPieces()] as const);
    const parts = Promise.all([Promise.all(snapshots), filled]).then(([all]) => {
      const there = new Map(all);
      return entries.map(({ from, begin, size, offset }) => [there.get(from)!.subarray(begin, begin + size), offset] as const);
    });
    await memory.fill(coming, parts, true);
    if (this.#written >= taken) return;
    memory.put(coming);
    this.#written = taken;
  }

  /** What was not copied stays as it is. */
  stop(): void {
    this.#written = this.#taken;
  }

  /** From now on all weights are the model's own. */
  forget(): void {
    this.#changes.clear();
    this.#written = ++this.#taken;
  }

  /** Whether the layer is at home in another model, and its weights are this one's own. */
  isOwn(layer: AnyLayer): boolean {
    const place = this.#places.get(layer);
    return place !== undefined && homeElsewhere(layer, place) !== undefined && !this.#changes.has(layer);
  }

  /** From now on the weights of layers that were given all of theirs are the model's own. */
  ownWhole(weights: ReadonlyMap<string, unknown>): void {
    const given = new Set(this.#layout.entries.flatMap(({ path, offset }) => (weights.has(path) ? [offset] : [])));
    for (const layer of this.#changes.keys()) {
      if (this.#entries.every((entry) => entry.layer !== layer || given.has(entry.offset))) this.#changes.delete(layer);
    }
  }

  /** From now on all weights are the model's own, and trained, but for those of frozen layers. */
  own(frozen: readonly string[]): void {
    for (const layer of this.#changes.keys()) if (!this.#isIn(layer, frozen)) this.#changes.delete(layer);
    this.#apart ??= [...this.#places].flatMap(([layer, place]) =>
      homeElsewhere(layer, place) !== undefined && this.#hasParameters(place.path) ? [layer] : [],
    );
    for (const layer of this.#apart) if (!this.#isIn(layer, frozen)) noteTrained(layer, this.#places.get(layer)!);
  }

  /** @throws StateError if what is frozen was copied from what was changed since */
  checkFrozen(what: string, name: string, frozen: readonly string[], values: () => Float32Array): void {
    const moved = [...this.#changes].filter(([layer, changes]) => {
      const { model } = homeOf(layer)!;
      return (model.changes !== changes || model.isChanging) && this.#isIn(layer, frozen);
    });
    if (moved.length === 0) return;
    const own = values();
    const there = new Map(this.#homes.map((model) => [model, model.values()]));
    for (const [layer] of moved) {
      const { model } = homeOf(layer)!;
      for (const { from, begin, size, offset } of this.#entries.filter((entry) => entry.layer === layer)) {
        const original = there.get(from)!.subarray(begin, begin + size);
        if (Buffer.compare(bytesOf(original), bytesOf(own.subarray(offset, offset + size))) === 0) continue;
        throw new StateError(
          `${what}: expected frozen "${this.#places.get(layer)!.path}" of a ${name} to be as it was copied, got one that was trained or set since in another ${model.name}. Call it by outputOf() in the loss, or train both in one model. A new model of these layers takes the trained ones along; setWeights(weights()) keeps the copy as it is.`,
        );
      }
      this.#changes.set(layer, model.changes);
    }
  }

  /** The models that have what is copied. */
  get #homes(): readonly Model[] {
    return [...new Set(this.#entries.map(({ from }) => from))];
  }

  #isIn(layer: AnyLayer, roots: readonly string[]): boolean {
    return roots.some((root) => isWithin(this.#places.get(layer)!.path, root));
  }

  /** Whether the layer there has any itself. */
  #hasParameters(path: string): boolean {
    return this.#layout.below(path).parameters.some((entry) => !entry.path.includes('.'));
  }

  #entriesOf(layer: AnyLayer, home: Home, path: string): readonly Copied[] {
    const from = home.model;
    const { layout } = from.built;
    const own = this.#layout.below(path).entries.filter((entry) => !entry.path.includes('.'));
    return own.flatMap(({ path: name, kind, shape, offset }) => {
      const there = layout.get(pathBelow(home.path, name));
      if (there?.kind !== kind || !sameShape(there.shape, shape)) throw notAsThere(layer, path, home);
      return this.#given.has(pathBelow(path, name)) ? [] : [{ layer, from, begin: there.offset, size: sizeOf(shape), offset }];
    });
  }
}

/** The other model that a layer is at home in, if its weights there are more than first values. */
function homeElsewhere(layer: AnyLayer, { model, path }: Home): Home | undefined {
  const home = path === '' ? undefined : homeOf(layer);
  return home !== undefined && home.model !== model && home.model.isKept ? home : undefined;
}

function notAsThere(layer: AnyLayer, path: string, { model }: Home): ShapeError {
  const name = layer.constructor.name;
  return new ShapeError(
    `${name} "${path}": expected the sizes it has in a ${model.name}, whose weights it brings along, got others. Use a new ${name}, or give input of the size it was built with.`,
  );
}
