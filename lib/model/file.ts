/** Models as safetensors files: the weights by path, and the input types they were built for. */
import { FileError } from '../errors.js';
import type { TensorType } from '../graph/tensor.js';
import { readSafetensors, writeSafetensors } from '../persistence/safetensors.js';
import type { Model } from './model.js';
import { type WeightOptions, strictOf } from './weights.js';

const inputsKey = 'lanewise.inputs';
/** In the metadata of a trainer's checkpoint: the steps done. */
export const checkpointKey = 'lanewise.steps';

export async function saveModel(model: Model, path: string): Promise<void> {
  await writeSafetensors(path, model.weights(), { [inputsKey]: JSON.stringify(model.built.rows) });
}

/** Builds a model that is not built yet for the inputs the file names; files of others, or not strict, only set the weights. */
export async function loadModel(model: Model, path: string, options: WeightOptions = {}): Promise<void> {
  model.checkIdle('load');
  const strict = strictOf(`${model.name}.load`, options);
  const { tensors, metadata } = await readSafetensors(path);
  if (metadata[checkpointKey] !== undefined)
    throw new FileError(`load: expected a file that save() wrote, got the checkpoint of a trainer in ${path}. Use trainer.load().`);
  const inputs = metadata[inputsKey];
  // Not strict: the inputs may be those of a model of which this one has a part.
  if (model.isBuilt || inputs === undefined || !strict) {
    model.setWeights(tensors, options);
    return;
  }
  // A model that the file does not fit stays unbuilt.
  model.buildWith(parseInputs(path, inputs), tensors);
}

function parseInputs(path: string, text: string): readonly TensorType[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.length > 0 && value.every(isTensorType)) return value;
  } catch {
    // Falls through to the one error below.
  }
  throw new FileError(
    `load: expected ${inputsKey} in ${path} to list the input types, got ${text.slice(0, 80)}. Build the model before loading.`,
  );
}

function isTensorType(value: unknown): value is TensorType {
  if (typeof value !== 'object' || value === null || !('shape' in value) || !('dtype' in value)) return false;
  const { shape, dtype } = value;
  return (
    Array.isArray(shape) &&
    shape.every((n) => Number.isSafeInteger(n) && n >= 0) &&
    (dtype === 'float32' || dtype === 'int32' || dtype === 'uint8')
  );
}
