import type { NdArray } from '../array.js';
import type { TensorType } from '../graph/tensor.js';
import { inputList, rowType } from '../model/data.js';
import type { Batch } from './options.js';

/** Types of one row of each array of a batch: what a program is compiled for. */
export interface BatchTypes {
  readonly inputs: readonly TensorType[];
  readonly target: TensorType;
  readonly sampleWeight: TensorType | undefined;
}

export function typesOf({ x, y, sampleWeight }: Batch): BatchTypes {
  return { inputs: inputList(x).map(rowType), target: rowType(y), sampleWeight: sampleWeight && rowType(sampleWeight) };
}

/** The arrays of a batch: the inputs, the targets, and the weights of rows if there are any. */
export function arraysOf({ x, y, sampleWeight }: Batch): readonly NdArray[] {
  return [...inputList(x), y, ...(sampleWeight === undefined ? [] : [sampleWeight])];
}
