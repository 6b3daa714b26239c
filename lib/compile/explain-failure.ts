/** Errors of the addon in the words of the graph: which layer and operation, and which index of the data. */
import { DataError, LanewiseError, NativeError, formatShape } from '../errors.js';
import { pathIn } from '../graph/label.js';
import { coordinates } from '../graph/shape.js';
import { outOfMemory } from '../memory.js';
import { wrongIndex } from '../reason.js';
import { labelOf, operationOf } from './describe.js';
import { type Instruction, indexLimit } from './instructions/index.js';
import type { Item } from './lower.js';
import { Views } from './view.js';

/** What the addon says of an error. */
type Failure = Error & Readonly<Record<'instruction' | 'step' | 'position' | 'value' | 'bytes', number | undefined>>;

/** The native error with the layer and the operation it came from: a DataError for a bad index, otherwise a NativeError. One of this library stays. */
export function explainFailure(error: unknown, items: readonly Item[]): LanewiseError {
  if (error instanceof LanewiseError) return error;
  const { message, instruction, step, position, value, bytes } = error as Failure;
  if (bytes !== undefined) return outOfMemory(`${bytes} bytes for intermediate results`, error);
  const item = instruction === undefined ? undefined : items[instruction];
  if (item === undefined) return new NativeError(`Program: ${message}`, { cause: error });
  const label = labelOf(item);
  const where = label === '' ? operationOf(item) : `${label}: ${operationOf(item)}`;
  const explained =
    position === undefined
      ? new NativeError(`${where}: ${message}`, { cause: error })
      : new DataError(`${where}: ${complaintOf(item, value!)} at position ${placeOf(item.instruction, position)} in step ${step}.`, {
          cause: error,
        });
  explained.layer = pathIn(label);
  return explained;
}

/** Where the index at a flat position stands in what was given: its coordinates, unless the indices are a vector. */
function placeOf(x: Instruction, position: number): string {
  if (!('ids' in x)) return String(position);
  const { base, offset, strides } = new Views().of(x.ids);
  const at = coordinates(position, x.ids.shape).reduce((sum, i, d) => sum + i * strides[d]!, offset);
  return base.rank < 2 ? String(at) : formatShape(coordinates(at, base.shape));
}

/** What was expected in place of a bad index, in the words of the operation if it has some. */
function complaintOf({ nodes, instruction }: Item, value: number): string {
  const own = nodes.map((node) => node.op.badIndex(value, node.inputs)).find((words) => words !== undefined);
  return own ?? wrongIndex(value, indexLimit(instruction)!);
}
