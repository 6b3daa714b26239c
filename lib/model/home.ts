/** Where a layer has its weights: in the first model that was built with it and then used for more than a look. */
import type { TensorType } from '../graph/tensor.js';
import type { NumericArray } from '../native.js';
import { type Layout, pathBelow } from './layout.js';
import type { Model } from './model.js';
import type { AnyLayer, Placed } from './trace.js';

export interface Home {
  readonly model: Model;
  /** '' if the layer is the root of that model. */
  readonly path: string;
  /** Types of one row of each input; undefined if the layer is only entered there. */
  readonly rows: readonly TensorType[] | undefined;
}

const homes = new WeakMap<AnyLayer, Home>();

/** Changes of homes and of the weights there, of all models together. */
let changes = 0;

export function changesSoFar(): number {
  return changes;
}

/** @returns changesSoFar() with one more */
export function countChange(): number {
  return ++changes;
}

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

/** The layers have their home there from now on, but for those that have one whose weights are more than first values. */
export function settleIn(places: Places): void {
  countChange();
  for (const [layer, home] of places) if (homes.get(layer)?.model.isKept !== true) homes.set(layer, home);
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
