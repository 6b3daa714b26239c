/** Where a layer has its weights: in the first model that was built with it and then used for more than a look. */
import { ShapeError } from '../errors.js';
import { sameShape, sizeOf } from '../graph/shape.js';
import type { TensorType } from '../graph/tensor.js';
import type { NumericArray } from '../native.js';
import { type Layout, isWithin, pathBelow } from './layout.js';
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
  for (const [layer, home] of places) if (homes.get(layer)?.model.isKept !== true) homes.set(layer, home);
}

/** What lies at or below a path of a model that was only looked at has its home there no more. @returns what undoes that */
export function moveOut(places: Places, path: string): () => void {
  const gone = [...places].filter(([layer, home]) => isWithin(home.path, path) && homes.get(layer) === home);
  for (const [layer] of gone) homes.delete(layer);
  return () => settleIn(new Map(gone));
}

/**
 * The values that layers bring along to another model, by path there: those of their home if they are more than first values, or those that were
 * set on a layer that was never built.
 * @throws ShapeError, StateError, DTypeError if they do not fit
 */
export function broughtAlong(places: Places, layout: Layout): ReadonlyMap<string, NumericArray> {
  const brought = new Map<string, NumericArray>();
  const memories = new Map<Model, Float32Array>();
  for (const [layer, { path }] of places) {
    if (path === '') continue;
    const home = homeOf(layer);
    if (home === undefined) {
      for (const [own, { data }] of layer.model.weightsToCome(layout.below(path))) brought.set(pathBelow(path, own), data);
    } else if (home.model.isKept) {
      const values = memories.get(home.model) ?? home.model.values();
      memories.set(home.model, values);
      for (const entry of layout.below(path).entries.filter((one) => !one.path.includes('.'))) {
        const there = home.model.built.layout.get(pathBelow(home.path, entry.path));
        if (there?.kind !== entry.kind || !sameShape(there.shape, entry.shape)) throw notAsThere(layer, path, home);
        brought.set(pathBelow(path, entry.path), values.subarray(there.offset, there.offset + sizeOf(entry.shape)));
      }
    }
  }
  return brought;
}

function notAsThere(layer: AnyLayer, path: string, { model }: Home): ShapeError {
  const name = layer.constructor.name;
  return new ShapeError(
    `${name} "${path}": expected the sizes it has in a ${model.name}, whose weights it brings along, got others. Use a new ${name}, or give input of the size it was built with.`,
  );
}
