/** Copies that models train of layers at home in another: who is trained by weights that stay behind them is told. */
import { StateError } from '../errors.js';
import { sizeOf } from '../graph/shape.js';
import { bytesOf } from '../typed-arrays.js';
import { type Home, changesSoFar, homeOf } from './home.js';
import { type Entry, pathBelow } from './layout.js';
import type { Model } from './model.js';
import type { AnyLayer } from './trace.js';

interface TrainedCopy {
  readonly home: Model;
  /** The model that trains it, which the layer may outlive; undefined if several do. */
  readonly model: WeakRef<Model> | undefined;
  /** That model, as messages call it. */
  readonly name: string;
  /** Of the layer, there. */
  readonly path: string;
  /** Changes of all homes as it was trained last. */
  readonly changes: number;
  /** changesSoFar() as it was last found to have the values of a model that is asked for outputOf. */
  readonly seen: WeakMap<Model, number>;
}

/** The latest of each layer. */
const copies = new WeakMap<object, TrainedCopy>();

/** A copy of the layer is being trained there. */
export function noteTrained(layer: AnyLayer, { model, path }: Home): void {
  const before = copies.get(layer);
  const isOne = before === undefined || before.model?.deref() === model || isOver(before);
  const home = homeOf(layer)!.model;
  const trainer = isOne ? new WeakRef(model) : undefined;
  copies.set(layer, { home, model: trainer, name: model.name, path, changes: changesSoFar(), seen: new WeakMap() });
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
  const values = new Map<Model, Float32Array>();
  for (const [at, layer] of layers) {
    const copy = copies.get(layer);
    if (copy === undefined || isOver(copy) || trained.has(layer) || asked.hasOwnCopyOf(layer) || isSame(copy, asked, at, values)) continue;
    const { name } = asked;
    throw new StateError(
      `${name}.outputOf: expected weights of which no other model trains a copy, got a ${layer.constructor.name} that another, a ${copy.name}, has trained as its "${copy.path}", while it stays as it is here. If it should stay so, call ${name}.setWeights(${name}.weights()) once. If it should be trained, build the model that has it as "${copy.path}" before the model asked is set, loaded, trained or asked for outputOf: then they have the same.`,
    );
  }
}

/**
 * Whether a copy that nobody trains at this moment has the values that the layer has `at` that path of the model asked. If its model is gone, it has them
 * only if it was seen to.
 * @param values of models, read at most once
 */
function isSame({ model: trainer, path, seen }: TrainedCopy, asked: Model, at: string, values: Map<Model, Float32Array>): boolean {
  const model = trainer?.deref();
  if (model?.isTraining === true) return false;
  if (Math.max(asked.owner.changes, model?.changes ?? 0) <= (seen.get(asked) ?? -1)) return true;
  if (model === undefined) return false;
  const bytes = (of: Model, { offset, shape }: Entry): Uint8Array => {
    const all = values.get(of) ?? of.values();
    values.set(of, all);
    return bytesOf(all.subarray(offset, offset + sizeOf(shape)));
  };
  const there = model.built.layout.below(path).entries.filter((entry) => !entry.path.includes('.'));
  const isEqual = there.every((entry) => {
    const here = asked.built.layout.get(pathBelow(at, entry.path));
    return here !== undefined && Buffer.compare(bytes(model, entry), bytes(asked, here)) === 0;
  });
  if (isEqual) seen.set(asked, changesSoFar());
  return isEqual;
}
