/** What the first call of a root layer tells. */
import { ShapeError } from '../errors.js';
import { MemorySlot } from '../graph/source.js';
import type { TensorType } from '../graph/tensor.js';
import { inputTensors } from './batch-source.js';
import type { Entry } from './layout.js';
import { type AnyLayer, type Trace, collectInto, trace } from './trace.js';

export interface FirstTrace {
  readonly layers: Trace['layers'];
  readonly requests: readonly Omit<Entry, 'offset'>[];
  /** Rows it took. */
  readonly count: number;
}

/** With one row, so that no parameter takes its size from a batch, unless rows meet in forward and it needs those of a batch, `count`. */
export function firstTrace(root: AnyLayer, rows: readonly TensorType[], seed: bigint, count: number): FirstTrace {
  try {
    return traceFor(root, rows, seed, 1);
  } catch (error) {
    if (count > 1 && error instanceof ShapeError) return traceFor(root, rows, seed, count);
    throw error;
  }
}

/** In evaluation mode: training may need more rows. */
function traceFor(root: AnyLayer, rows: readonly TensorType[], seed: bigint, count: number): FirstTrace {
  const requests = new Map<string, Omit<Entry, 'offset'>>();
  const resolve = collectInto(requests, new MemorySlot('parameters', 0));
  const { layers } = trace(root, inputTensors(rows, count), { training: false, seed, resolve });
  return { layers, requests: [...requests.values()], count };
}
