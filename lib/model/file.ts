/** Models as safetensors files: the weights by path, and the input types they were built for. */
import type { NdArray } from '../array.js';
import { FileError } from '../errors.js';
import { isShape } from '../graph/shape.js';
import type { TensorType } from '../graph/tensor.js';
import { readAs, writeOwned } from '../persistence/safetensors.js';
import { loadInTurn } from './load-in-turn.js';
import type { Model, Sizes } from './model.js';
import { type WeightOptions, strictOf } from './weights.js';

const inputsKey = 'lanewise.inputs';
/** Rows of the batch it was built for, where rows meet and one alone is none. */
const countKey = 'lanewise.count';
/** In the metadata of a trainer's checkpoint: the steps done. */
export const checkpointKey = 'lanewise.steps';
/** In a trainer's checkpoint: before the names of the model's weights. */
export const modelPrefix = 'model.';

export async function saveModel(model: Model, path: string): Promise<void> {
  const metadata = inputsMetadata(model);
  await writeOwned(path, await model.snapshot(), metadata);
}

/** The input types the model was built for, if they are known, as the header of a file has them. */
export function inputsMetadata(model: Model): Readonly<Record<string, string>> {
  const { rows, count } = model.built;
  if (rows === undefined) return {};
  return { [inputsKey]: JSON.stringify(rows), ...(count > 1 && { [countKey]: String(count) }) };
}

/**
 * Builds a model that is not built yet for the inputs the file names; files of others, or not strict, only set the weights.
 * Of a trainer's checkpoint it takes what the model is, and leaves what the training was.
 */
export async function loadModel(model: Model, path: string, options: WeightOptions = {}): Promise<void> {
  const call = `${model.name}.load`;
  const strict = strictOf(call, options);
  const what = `${call} of ${path}`;
  const read = (): ReturnType<typeof readAs> => readAs('load', path);
  await loadInTurn('load', model, read, ({ tensors, metadata }, check) => {
    check();
    const weights = metadata[checkpointKey] === undefined ? tensors : tensorsBelow(modelPrefix, tensors);
    // Not strict: the inputs may be those of a model of which this one has a part.
    const sizes = model.isBuilt || !strict ? undefined : parseSizes('load', path, metadata);
    if (sizes !== undefined) model.buildFor(sizes);
    return model.weightsToSet(weights, options, what);
  });
}

/** The tensors whose name begins so, by the rest of it. */
export function tensorsBelow(prefix: string, tensors: ReadonlyMap<string, NdArray>): Map<string, NdArray> {
  return new Map([...tensors].flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [])));
}

/** What a file says a model was built for, if it does. */
export function parseSizes(what: string, path: string, metadata: Readonly<Record<string, string>>): Sizes | undefined {
  const text = metadata[inputsKey];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const count = Number(metadata[countKey] ?? 1);
    const isCount = Number.isSafeInteger(count) && count >= 1;
    if (isCount && Array.isArray(value) && value.length > 0 && value.every(isTensorType)) return { rows: value, count };
  } catch {
    // Falls through to the one error below.
  }
  throw new FileError(
    `${what}: expected ${inputsKey} and ${countKey} in ${path} to tell the input types and the rows of a batch, got ${text.slice(0, 80)} and ${metadata[countKey] ?? 1}. Build the model before loading.`,
  );
}

function isTensorType(value: unknown): value is TensorType {
  if (typeof value !== 'object' || value === null || !('shape' in value) || !('dtype' in value)) return false;
  const { shape, dtype } = value;
  return isShape(shape) && (dtype === 'float32' || dtype === 'int32' || dtype === 'uint8');
}
