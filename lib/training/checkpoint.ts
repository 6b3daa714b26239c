/** A trainer as a safetensors file: weights, slots, and how far the training is. */
import type { NdArray } from '../array.js';
import { FileError } from '../errors.js';
import { checkpointKey } from '../model/file.js';
import { readSafetensors, writeSafetensors } from '../persistence/safetensors.js';

const modelPrefix = 'model.';
const slotPrefix = 'optimizer.';
const epochsKey = 'lanewise.epochs';

export interface Checkpoint {
  readonly weights: ReadonlyMap<string, NdArray>;
  readonly slots: ReadonlyMap<string, NdArray>;
  readonly steps: number;
  readonly epochs: number;
}

export async function writeCheckpoint(path: string, { weights, slots, steps, epochs }: Checkpoint): Promise<void> {
  const prefixed = (prefix: string, values: ReadonlyMap<string, NdArray>): [string, NdArray][] =>
    [...values].map(([name, value]) => [prefix + name, value]);
  await writeSafetensors(path, new Map([...prefixed(modelPrefix, weights), ...prefixed(slotPrefix, slots)]), {
    [checkpointKey]: String(steps),
    [epochsKey]: String(epochs),
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
  const below = (prefix: string): Map<string, NdArray> =>
    new Map([...tensors].flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [])));
  return { weights: below(modelPrefix), slots: below(slotPrefix), steps: count(checkpointKey), epochs: count(epochsKey) };
}
