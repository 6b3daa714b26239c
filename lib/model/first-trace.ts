/** What the first call of a root layer tells. */
import { ShapeError } from '../errors.js';
import { MemorySlot } from '../graph/source.js';
import type { TensorType } from '../graph/tensor.js';
import { inputTensors } from './batch-source.js';
import { type Entry, Layout } from './layout.js';
import { type AnyLayer, type Trace, collectInto, trace } from './trace.js';

export interface FirstTrace {
  readonly layers: Trace['layers'];
  readonly layout: Layout;
  /** Rows it took. */
  readonly count: number;
}

/** With one row, so that no parameter takes its size from a batch, unless rows meet in forward and it needs those of a batch, `count`. */
export function firstTrace(root: AnyLayer, rows: readonly TensorType[], seed: bigint, count: number): FirstTrace {
  try {
    return traceFor(root, rows, seed, 1);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    if (count > 1) return traceFor(root, rows, seed, count);
    const isForMore = [2, ...rows.map(({ shape }) => shape[0] ?? 0)].some((more) => more > 1 && takes(root, rows, seed, more));
    if (isForMore)
      error.message += ' This was tried with one row, and rows meet in this model: call fit or predict with several rows first.';
    throw error;
  }
}

function takes(...args: Parameters<typeof traceFor>): boolean {
  try {
    traceFor(...args);
    return true;
  } catch {
    return false;
  }
}

/** In evaluation mode: training may need more rows. */
function traceFor(root: AnyLayer, rows: readonly TensorType[], seed: bigint, count: number): FirstTrace {
  const requests = new Map<string, Omit<Entry, 'offset'>>();
  const resolve = collectInto(requests, new MemorySlot('parameters', 0));
  const { layers, aliases } = trace(root, inputTensors(rows, count), { training: false, seed, resolve });
  return { layers, layout: Layout.of([...requests.values()], aliases), count };
}
