/** The weights a model has of layers that are at home in another: copies, by what these were when they were made. */
import { StateError } from '../errors.js';
import type { NumericArray } from '../native.js';
import { type Home, type Places, broughtAlong, homeOf } from './home.js';
import { type Layout, isWithin } from './layout.js';
import type { AnyLayer } from './trace.js';

export class Copies {
  readonly #places: Places;
  readonly #layout: Layout;
  /** Changes of the home of each layer that was copied and not trained here. */
  readonly #changes = new Map<AnyLayer, number>();

  constructor(places: Places, layout: Layout) {
    this.#places = places;
    this.#layout = layout;
  }

  /** The values that all layers bring along now, by path. @throws as broughtAlong */
  take(): ReadonlyMap<string, NumericArray> {
    const brought = broughtAlong(this.#places, this.#layout);
    this.#changes.clear();
    for (const [layer, place] of this.#places) {
      const home = homeElsewhere(layer, place);
      if (home !== undefined) this.#changes.set(layer, home.model.changes);
    }
    return brought;
  }

  /** Whether layers would bring along what was taken. */
  get areCurrent(): boolean {
    for (const [layer, place] of this.#places) {
      const home = homeElsewhere(layer, place);
      if (home !== undefined && this.#changes.get(layer) !== home.model.changes) return false;
    }
    return true;
  }

  /** From now on all weights are the model's own. */
  forget(): void {
    this.#changes.clear();
  }

  /**
   * Before all but what is frozen is trained, and thereby the model's own.
   * @throws StateError if what is frozen was copied from what was changed since
   */
  checkFrozen(what: string, name: string, frozen: readonly string[], values: () => Float32Array): void {
    for (const layer of this.#changes.keys()) {
      if (!frozen.some((root) => isWithin(this.#places.get(layer)!.path, root))) this.#changes.delete(layer);
    }
    const moved = [...this.#changes].filter(([layer, changes]) => homeOf(layer)!.model.changes !== changes);
    if (moved.length === 0) return;
    const own = values();
    for (const [layer] of moved) {
      const place = this.#places.get(layer)!;
      const there = homeOf(layer)!.model;
      for (const [path, data] of broughtAlong(new Map([[layer, place]]), this.#layout)) {
        const { offset } = this.#layout.get(path)!;
        if (data.every((value, i) => Object.is(value, own[offset + i]))) continue;
        throw new StateError(
          `${what}: expected frozen "${place.path}" of a ${name} to be as it was copied, got one that was trained or set since in another ${there.name}. Call it by outputOf() in the loss, or train both in one model; setWeights(weights()) keeps the copy as it is.`,
        );
      }
      this.#changes.set(layer, there.changes);
    }
  }
}

/** The other model that a layer is at home in, if its weights there are more than first values. */
function homeElsewhere(layer: AnyLayer, { model, path }: Home): Home | undefined {
  const home = path === '' ? undefined : homeOf(layer);
  return home !== undefined && home.model !== model && home.model.isKept ? home : undefined;
}
