/** A trainer as a safetensors file: weights, slots, and how far the training is. */
import type { NdArray } from '../array.js';
import { FileError } from '../errors.js';
import type { TensorType } from '../graph/tensor.js';
import { checkpointKey, inputsMetadata, modelPrefix, parseInputs, tensorsBelow } from '../model/file.js';
import type { Model } from '../model/model.js';
import { readSafetensors, writeSafetensors } from '../persistence/safetensors.js';

const slotPrefix = 'optimizer.';
const epochsKey = 'lanewise.epochs';

/** How far the training is. */
interface Progress {
  readonly slots: ReadonlyMap<string, NdArray>;
  readonly steps: number;
  readonly epochs: number;
}

export interface Checkpoint extends Progress {
  readonly weights: ReadonlyMap<string, NdArray>;
  /** What the model was built for, if the file says so. */
  readonly inputs: readonly TensorType[] | undefined;
}

export async function writeCheckpoint(path: string, model: Model, { slots, steps, epochs }: Progress): Promise<void> {
  const prefixed = (prefix: string, values: ReadonlyMap<string, NdArray>): [string, NdArray][] =>
    [...values].map(([name, value]) => [prefix + name, value]);
  await writeSafetensors(path, new Map([...prefixed(modelPrefix, model.weights()), ...prefixed(slotPrefix, slots)]), {
    [checkpointKey]: String(steps),
    [epochsKey]: String(epochs),
    ...inputsMetadata(model),
  });
}

export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = await readSafetensors(path);
  const count = (key: string): number => {
    const value = Number(metadata[key]);
    if (metadata[key] === undefined || !Number.isSafeInteger(value) || value < 0) {
      throw new FileError(
        `Trainer.load: expected ${key} in ${path}, got ${metadata[key] ?? 'none'}. Use model.load() for a file that model.save() wrote.`,
      );
    }
    return value;
  };
  return {
    weights: tensorsBelow(modelPrefix, tensors),
    slots: tensorsBelow(slotPrefix, tensors),
    steps: count(checkpointKey),
    epochs: count(epochsKey),
    inputs: parseInputs(path, metadata),
  };
}
