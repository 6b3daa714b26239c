/** Arrays on their way into a fit or an evaluation. */
import type { NdArray } from '../array.js';
import { goThrough, memoriesOf } from '../model/data-memories.js';
import type { MemoryHandle } from '../native.js';
import type { Pieces } from '../pieces.js';
import { type ValueChecks, checkValuesInPieces } from './batch-checks.js';
import type { Control } from '../control.js';
import { type Batch, type Targets, arraysOf } from './batch.js';

/**
 * Looks at all values and copies these parts of the data: at once if the data are small, else while the event loop goes on.
 * @throws what is wrong with them; StateError if a buffer is taken away meanwhile
 */
export function takeIn(
  what: string,
  data: Batch<Targets>,
  parts: readonly NdArray[],
  checks: ValueChecks,
  control: Control,
): Promise<readonly MemoryHandle[]> {
  const isStopped = (): boolean => control.stopped;
  const work = function* (): Pieces<readonly MemoryHandle[]> {
    yield* checkValuesInPieces(what, data, checks, isStopped);
    return yield* memoriesOf(what, arraysOf(data), parts, isStopped);
  };
  return goThrough(arraysOf(data), work());
}
