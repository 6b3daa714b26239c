/** Data for the inputs of a model, and the rows in it. */
import type { NdArray } from '../array.js';
import { checkArray } from '../array-check.js';
import { DataError, ShapeError, formatShape } from '../errors.js';
import { Tensor, type TensorType } from '../graph/tensor.js';
import { isRecord } from '../options.js';

/** Data for each input of a model; a single array for the common case of one. */
export type Inputs = NdArray | readonly NdArray[];

export function inputList(inputs: Inputs): readonly NdArray[] {
  return isList(inputs) ? inputs : [inputs];
}

function isList(inputs: Inputs): inputs is readonly NdArray[] {
  return Array.isArray(inputs);
}

/** Type of one row: without the batch dimension. */
export function rowType(x: NdArray): TensorType {
  return { shape: x.shape.slice(1), dtype: x.dtype };
}

/** `[N, 28, 28]`: a row shape as errors print it. */
export function formatRows(row: TensorType): string {
  return `[${['N', ...row.shape].join(', ')}]`;
}

/** `[N, 3] and [N]`: rows of all inputs as errors print them. */
export function formatInputs(rows: readonly TensorType[]): string {
  return rows.map(formatRows).join(' and ');
}

/** What to do about data that is no array; undefined: wrap it. */
function adviceFor(x: unknown): string | undefined {
  if (x instanceof Tensor) return "Tensors go through a layer by scope.call('name', layer, x), and through a model by model.outputOf(x).";
  return isRecord(x) ? 'Give several inputs as a list, in the order of forward: [a, b].' : undefined;
}

/** The number of rows all arrays share. @throws if there is none, if they differ, or if a buffer was taken away */
export function countRows(what: string, arrays: readonly NdArray[]): number {
  if (arrays.length === 0) throw new DataError(`${what}: expected at least one array, got none.`);
  for (const x of arrays) {
    checkArray(what, 'data', x, adviceFor(x));
    if (x.rank < 1) throw new ShapeError(`${what}: expected data with a batch dimension [N, …], got a scalar. Give it shape [1].`);
  }
  const counts = arrays.map((x) => x.shape[0]!);
  if (counts.some((n) => n !== counts[0])) {
    throw new ShapeError(
      `${what}: expected the same number of rows in all arrays, got ${arrays.map((x) => formatShape(x.shape)).join(' and ')}.`,
    );
  }
  if (counts[0] === 0) throw new DataError(`${what}: expected at least one row, got none.`);
  return counts[0]!;
}
