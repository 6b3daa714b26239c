import type { LayersRequest } from '../cases/layers.js';
import { mix } from './data.js';

/** Batches of the data set: an epoch. */
export const batches = 8;

/** Inputs of all batches, in shared memory, where a data set is used in place; layer_nets.py has the same formulas. */
export function makeInputs({ input, ids }: LayersRequest): Float32Array | Int32Array {
  const size = batches * input.reduce((product, n) => product * n, 1);
  const memory = new SharedArrayBuffer(4 * size);
  const unit = (i: number): number => (mix(i) >>> 8) / 2 ** 24;
  return ids === undefined
    ? new Float32Array(memory).map((_, i) => unit(i))
    : new Int32Array(memory).map((_, i) => Math.floor(unit(i) * ids));
}
