/** Copies that models train of layers at home in another: who is trained by the weights at home, which stay behind, is told. */
import { StateError } from '../errors.js';
import { type Home, changesSoFar, homeOf } from './home.js';
import type { AnyLayer } from './trace.js';

interface TrainedCopy {
  readonly home: Home;
  /** The model that trains it, as messages call it. */
  readonly name: string;
  /** Of the layer, there. */
  readonly path: string;
  /** Changes of all homes as it was trained last. */
  readonly changes: number;
}

/** The latest of each layer. */
const copies = new WeakMap<object, TrainedCopy>();

/** A copy of the layer is being trained there. */
export function noteTrained(layer: AnyLayer, { model: { name }, path }: Home): void {
  copies.set(layer, { home: homeOf(layer)!, name, path, changes: changesSoFar() });
}

/**
 * Before a model is trained by the weights that these layers have at home.
 * @param read layers, with the name of the model whose output is taken
 * @param own layers of the model that is trained: it may go away from what they are at home
 * @throws StateError if copies of them were trained since they were changed at home
 */
export function checkRead(read: ReadonlyMap<object, string>, own: ReadonlyMap<object, unknown>): void {
  for (const [layer, asked] of read) {
    const copy = copies.get(layer);
    if (copy === undefined || copy.home.model.changes > copy.changes || own.has(layer)) continue;
    const { name, path } = copy;
    throw new StateError(
      `${asked}.outputOf: expected weights of which no other model trains a copy, got a ${layer.constructor.name} that a ${name} has trained as its "${path}", while it stays as it is here. Build the ${name} before the ${asked} is set, loaded, trained or asked for outputOf: then they have the same. setWeights(weights()) of the ${asked} lets training go on by what it has.`,
    );
  }
}
