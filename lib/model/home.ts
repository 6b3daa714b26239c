/** Where a layer has its weights: in the first model that was built with it. */
import { ShapeError, formatShape } from '../errors.js';
import { sameShape } from '../graph/shape.js';
import type { TensorType } from '../graph/tensor.js';
import type { Build } from './build.js';
import { type Entry, type Layout, pathBelow } from './layout.js';
import type { Given } from './pending-weights.js';
import type { Place } from './placed-weights.js';
import type { AnyLayer, Placed } from './trace.js';

/** Where a model has a layer. */
export interface Spot {
  /** '' if the layer is the root of that model. */
  readonly path: string;
  /** Types of one row of each input; undefined if the layer is only entered there. */
  readonly rows: readonly TensorType[] | undefined;
}

export interface Home extends Spot {
  readonly build: Build;
}

const homes = new WeakMap<AnyLayer, Home>();

export function homeOf(layer: AnyLayer): Home | undefined {
  const home = homes.get(layer);
  return home?.build.isGone === true ? undefined : home;
}

/** Where a model has its layers. */
export type Spots = ReadonlyMap<AnyLayer, Spot>;

export function spotsOf(layers: ReadonlyMap<string, Placed>): Spots {
  return new Map(
    [...layers].map(([path, { layer, inputs }]) => {
      const rows = inputs?.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
      return [layer, { path, rows }];
    }),
  );
}

/** The layers that have no home yet have it there from now on. */
export function claim(build: Build, spots: Spots): void {
  for (const [layer, spot] of spots) if (homeOf(layer) === undefined) homes.set(layer, { ...spot, build });
}

/** What a model that is about to be built has of others. */
export interface Shared {
  /** Where weights lie, by path. */
  readonly places: ReadonlyMap<string, Place>;
  readonly bases: ReadonlySet<Build>;
}

/**
 * The weights of layers that have their home elsewhere.
 * @throws ShapeError if they have others there
 */
export function sharedOf(spots: Spots, layout: Layout): Shared {
  const places = new Map<string, Place>();
  const bases = new Set<Build>();
  for (const [layer, { path }] of spots) {
    const home = homeOf(layer);
    if (home === undefined) continue;
    const { weights } = home.build;
    for (const [name, entry] of layout.own(path)) {
      const there = weights.layout.get(pathBelow(home.path, name));
      if (there?.kind !== entry.kind || !sameShape(there.shape, entry.shape)) throw notAsThere(layer, home, name, entry, there);
      places.set(entry.path, weights.place(there.path));
      bases.add(home.build);
    }
  }
  return { places, bases };
}

/**
 * The values that were set on layers that were never built, by path in a model that has them.
 * @throws ShapeError, StateError, DTypeError if they do not fit
 */
export function givenToLayers(spots: Spots, layout: Layout): Map<string, Given> {
  const given = new Map<string, Given>();
  for (const [layer, { path }] of spots) {
    if (path === '' || homeOf(layer) !== undefined) continue;
    const part = layout.below(path);
    for (const [own, value] of layer.model.givenFor(part.layout)) given.set(part.paths.get(own)!, value);
  }
  return given;
}

function notAsThere(layer: AnyLayer, home: Home, own: string, entry: Entry, there: Entry | undefined): ShapeError {
  const name = layer.constructor.name;
  const path = entry.path.slice(0, -own.length - 1);
  const expected = there === undefined ? `no ${entry.kind}` : `the ${formatShape(there.shape)}`;
  return new ShapeError(
    `${name} "${path}": expected ${expected} "${own}" that it has in a ${home.build.name}, with which it shares its weights, got ${formatShape(entry.shape)}. Give input of the size it was built with, or a new ${name}: layers of models that are to share nothing are made in a function.`,
  );
}
