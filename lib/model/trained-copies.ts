/** Copies that models train of layers at home in another: who is trained by weights that stay behind them is told. */
import { StateError } from '../errors.js';
import { bytesOf } from '../typed-arrays.js';
import { type Home, changesSoFar, homeOf } from './home.js';
import { pathBelow } from './layout.js';
import type { Model } from './model.js';
import type { AnyLayer } from './trace.js';

interface TrainedCopy {
  readonly home: Model;
  /** The model that trains it; undefined if several do. */
  readonly model: Model | undefined;
  /** That model, as messages call it. */
  readonly name: string;
  /** Of the layer, there. */
  readonly path: string;
  /** Changes of all homes as it was trained last. */
  readonly changes: number;
}

/** The latest of each layer. */
const copies = new WeakMap<object, TrainedCopy>();

/** A copy of the layer is being trained there. */
export function noteTrained(layer: AnyLayer, { model, path }: Home): void {
  const before = copies.get(layer);
  const isOne = before === undefined || before.model === model || isOver(before);
  const home = homeOf(layer)!.model;
  copies.set(layer, { home, model: isOne ? model : undefined, name: model.name, path, changes: changesSoFar() });
}

/** Whether the layer was changed at home since. */
function isOver({ home, changes }: TrainedCopy): boolean {
  return home.changes > changes;
}

/**
 * Before a model is trained by the output of another, with the weights this has. Weights that the other has trained or set as its own may differ
 * from those of further copies.
 * @param layers of the model that is asked, by path
 * @param trained layers of the model that is trained: it may go away from what they are elsewhere
 * @throws StateError if copies of the layers were trained since they were changed at home
 */
export function checkRead(asked: Model, layers: ReadonlyMap<string, AnyLayer>, trained: ReadonlyMap<object, unknown>): void {
  for (const [at, layer] of layers) {
    const copy = copies.get(layer);
    if (copy === undefined || isOver(copy) || trained.has(layer) || asked.hasOwnCopyOf(layer) || isSame(copy, asked, at)) continue;
    const { name } = asked;
    throw new StateError(
      `${name}.outputOf: expected weights of which no other model trains a copy, got a ${layer.constructor.name} that another, a ${copy.name}, has trained as its "${copy.path}", while it stays as it is here. If it should stay so, call ${name}.setWeights(${name}.weights()) once. If it should be trained, build the model that has it as "${copy.path}" before the model asked is set, loaded, trained or asked for outputOf: then they have the same.`,
    );
  }
}

/** Whether a copy that nobody trains at this moment has the values that the layer has `at` that path of the model asked. */
function isSame({ model, path }: TrainedCopy, asked: Model, at: string): boolean {
  if (model === undefined || model.isTraining) return false;
  const here = asked.weights();
  const below = pathBelow(path, '');
  return [...model.weights()].every(([name, { data }]) => {
    const own = name.slice(below.length);
    if (!name.startsWith(below) || own.includes('.')) return true;
    const value = here.get(pathBelow(at, own));
    return value !== undefined && Buffer.compare(bytesOf(data), bytesOf(value.data)) === 0;
  });
}
