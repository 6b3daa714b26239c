/** Where a layer has its weights: in the first model that was built with it. */
import type { TensorType } from '../graph/tensor.js';
import { sameShape, sizeOf } from '../graph/tensor.js';
import type { Entry } from './layout.js';
import type { Model } from './model.js';
import type { AnyLayer, Placed } from './trace.js';

export interface Home {
  readonly model: Model;
  /** '' if the layer is the root of that model. */
  readonly path: string;
  /** Types of one row of each input; undefined if only a part of the layer is used there. */
  readonly rows: readonly TensorType[] | undefined;
}

const homes = new WeakMap<AnyLayer, Home>();

export function homeOf(layer: AnyLayer): Home | undefined {
  return homes.get(layer);
}

/** The layers of a model, now built, that had no home have it there. */
export function settleIn(model: Model, layers: ReadonlyMap<string, Placed>): void {
  for (const [path, { layer, inputs }] of layers) {
    const rows = inputs?.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
    if (!homes.has(layer)) homes.set(layer, { model, path, rows });
  }
}

/** The values that layers bring along to another model, by path there. Those of other sizes there bring nothing. */
export function broughtAlong(
  layers: ReadonlyMap<string, Placed>,
  entries: readonly Omit<Entry, 'offset'>[],
): ReadonlyMap<string, Float32Array> {
  const brought = new Map<string, Float32Array>();
  const memories = new Map<Model, Float32Array>();
  for (const [path, { layer }] of layers) {
    const home = homeOf(layer);
    if (home === undefined) continue;
    const own = entries.filter((entry) => entry.path.slice(0, Math.max(0, entry.path.lastIndexOf('.'))) === path);
    const there = own.map(({ path: at }) => home.model.built.layout.get(join(home.path, at.slice(at.lastIndexOf('.') + 1))));
    if (!own.every(({ kind, shape }, i) => there[i]?.kind === kind && sameShape(there[i].shape, shape))) continue;
    const values = memories.get(home.model) ?? home.model.values();
    memories.set(home.model, values);
    own.forEach(({ path: at, shape }, i) => brought.set(at, values.slice(there[i]!.offset, there[i]!.offset + sizeOf(shape))));
  }
  return brought;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
