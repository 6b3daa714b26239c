/** A trainer as a safetensors file: weights, slots, and how far the training is. */
import type { NdArray } from '../array.js';
import { FileError } from '../errors.js';
import { checkpointKey, modelPrefix, parseSizes, tensorsBelow } from '../model/file.js';
import type { Sizes } from '../model/model.js';
import { readAs, writeOwned } from '../persistence/safetensors.js';

const slotPrefix = 'optimizer.';
const epochsKey = 'lanewise.epochs';
const updatesKey = 'lanewise.updates';
/** The slots of each parameter, where they differ by groups. */
const slotsKey = 'lanewise.slots';

/** What was trained, and how far. */
interface Progress {
  readonly weights: ReadonlyMap<string, NdArray>;
  readonly slots: ReadonlyMap<string, NdArray>;
  /** The slots each parameter has, by path. Undefined: all of them, there are no groups. */
  readonly slotsByPath: ReadonlyMap<string, readonly string[]> | undefined;
  readonly steps: number;
  readonly updates: number;
  readonly epochs: number;
}

export interface Checkpoint extends Progress {
  /** What the model was built for, if the file says so. */
  readonly sizes: Sizes | undefined;
}

/** @param inputs those of the model, as inputsMetadata has them */
export async function writeCheckpoint(
  path: string,
  inputs: Readonly<Record<string, string>>,
  { weights, slots, slotsByPath, steps, updates, epochs }: Progress,
): Promise<void> {
  const prefixed = (prefix: string, values: ReadonlyMap<string, NdArray>): [string, NdArray][] =>
    [...values].map(([name, value]) => [prefix + name, value]);
  await writeOwned(path, new Map([...prefixed(modelPrefix, weights), ...prefixed(slotPrefix, slots)]), {
    [checkpointKey]: String(steps),
    [updatesKey]: String(updates),
    [epochsKey]: String(epochs),
    ...(slotsByPath && { [slotsKey]: JSON.stringify(Object.fromEntries(slotsByPath)) }),
    ...inputs,
  });
}

export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = await readAs('Trainer.load', path);
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
    slotsByPath: parseSlots(path, metadata),
    steps: count(checkpointKey),
    updates: count(updatesKey),
    epochs: count(epochsKey),
    sizes: parseSizes('Trainer.load', path, metadata),
  };
}

function parseSlots(path: string, metadata: Readonly<Record<string, string>>): Checkpoint['slotsByPath'] {
  const text = metadata[slotsKey];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries<unknown>(value as Record<string, unknown>);
      if (entries.every((entry): entry is [string, string[]] => isNames(entry[1]))) return new Map(entries);
    }
  } catch {
    // Falls through to the one error below.
  }
  throw new FileError(
    `Trainer.load: expected ${slotsKey} in ${path} to list the slots of each parameter, got ${text.slice(0, 80)}. Give a file that trainer.save() wrote.`,
  );
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}
