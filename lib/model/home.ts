/** Where a layer has its weights: in the first model that was built with it. */
import { ShapeError } from '../errors.js';
import { sameShape } from '../graph/shape.js';
import type { TensorType } from '../graph/tensor.js';
import type { NumericArray } from '../native.js';
import { type Layout, pathBelow } from './layout.js';
import type { Model } from './model.js';
import type { Place } from './placed-weights.js';
import type { AnyLayer, Placed } from './trace.js';

export interface Home {
  readonly model: Model;
  /** '' if the layer is the root of that model. */
  readonly path: string;
  /** Types of one row of each input; undefined if the layer is only entered there. */
  readonly rows: readonly TensorType[] | undefined;
}

const homes = new WeakMap<AnyLayer, Home>();

export function homeOf(layer: AnyLayer): Home | undefined {
  return homes.get(layer);
}

/** Where the layers of a model may have their home. */
export type Places = ReadonlyMap<AnyLayer, Home>;

export function placesIn(model: Model, layers: ReadonlyMap<string, Placed>): Places {
  return new Map(
    [...layers].map(([path, { layer, inputs }]) => {
      const rows = inputs?.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
      return [layer, { model, path, rows }];
    }),
  );
}

/** The layers that have no home yet have it there from now on. */
export function claim(places: Places): void {
  for (const [layer, home] of places) if (!homes.has(layer)) homes.set(layer, home);
}

/** The layers that have their home there have none any more. */
export function release(places: Places): void {
  for (const [layer, home] of places) if (homes.get(layer) === home) homes.delete(layer);
}

/**
 * Where the weights lie of layers that have their home in other models, by path in a model that is about to be built of them.
 * @throws ShapeError if they have others there
 */
export function sharedPlaces(places: Places, layout: Layout): ReadonlyMap<string, Place> {
  const shared = new Map<string, Place>();
  for (const [layer, { path }] of places) {
    const home = homes.get(layer);
    if (home === undefined) continue;
    const { weights } = home.model.built;
    for (const { path: name, kind, shape } of layout.below(path).entries.filter((entry) => !entry.path.includes('.'))) {
      const there = weights.layout.get(pathBelow(home.path, name));
      if (there?.kind !== kind || !sameShape(there.shape, shape)) throw notAsThere(layer, path, home);
      shared.set(pathBelow(path, name), weights.place(there.path));
    }
  }
  return shared;
}

/**
 * The values that were set on layers that were never built, by path in a model that has them.
 * @throws ShapeError, StateError, DTypeError if they do not fit
 */
export function weightsToCome(places: Places, layout: Layout): ReadonlyMap<string, NumericArray> {
  const weights = new Map<string, NumericArray>();
  for (const [layer, { path }] of places) {
    if (path === '' || homes.has(layer)) continue;
    for (const [own, { data }] of layer.model.weightsToCome(layout.below(path))) weights.set(pathBelow(path, own), data);
  }
  return weights;
}

function notAsThere(layer: AnyLayer, path: string, { model }: Home): ShapeError {
  const name = layer.constructor.name;
  return new ShapeError(
    `${name} "${path}": expected the sizes it has in a ${model.name}, whose weights it shares, got others. Use a new ${name}, or give input of the size it was built with.`,
  );
}
