/** How a batch comes into a program. */
import type { Binding } from '../compile/program.js';
import { dataLabel, label } from '../graph/label.js';
import { type Parts, mapParts } from '../graph/outputs.js';
import { MemorySlot, source } from '../graph/source.js';
import { type Tensor, type TensorType, byteSize } from '../graph/tensor.js';
import { batchSource } from '../model/batch-source.js';
import { inputList, rowType } from '../model/data.js';
import { gatherRows } from '../ops/gather.js';
import { type Batch, type Targets, arraysOf, targetParts } from './batch.js';
import type { Scratch } from './scratch.js';

/** What a program is compiled for. */
export interface Feed {
  /** Rows a step. */
  readonly rows: number;
  /** Rows of the data set from which an index takes those of a step. Undefined: memories hold just the batches. */
  readonly dataRows: number | undefined;
  /** Types of one row of each array. */
  readonly inputs: readonly TensorType[];
  readonly targets: Parts<TensorType>;
  readonly sampleWeight: TensorType | undefined;
}

/** A batch as a program meets it. */
export interface FedBatch {
  readonly rows: number;
  readonly inputs: readonly Tensor[];
  readonly targets: Parts<Tensor>;
  readonly sampleWeight: Tensor | undefined;
  /** Memories of the arrays of a batch, in the order of `arraysOf`. */
  readonly data: readonly MemorySlot[];
  /** int32 [rows] a step: only with `dataRows`. */
  readonly index: MemorySlot | undefined;
}

/** The feed of arrays like these. Default: all rows in one step. */
export function feedOf({ x, y, sampleWeight }: Batch<Targets>, rows: number = inputList(x)[0]!.shape[0]!, dataRows?: number): Feed {
  const targets = mapParts(targetParts(y), rowType);
  return { rows, dataRows, inputs: inputList(x).map(rowType), targets, sampleWeight: sampleWeight && rowType(sampleWeight) };
}

/** Copies a batch to where a program reads it. */
export function bindBatch(data: readonly MemorySlot[], batch: Batch<Targets>, scratch: Scratch): readonly Binding[] {
  return arraysOf(batch).map((x, i): Binding => [data[i]!, scratch.filled(`data ${i}`, x.data)]);
}

export function feedBatch({ rows, dataRows, ...types }: Feed): FedBatch {
  const index = dataRows === undefined ? undefined : new MemorySlot('index', rows * 4, rows * 4);
  const ids = index && source(index, 0, [rows], 'int32');
  const fed = (name: string, type: TensorType): { readonly slot: MemorySlot; readonly tensor: Tensor } => {
    if (dataRows === undefined) return batchSource(name, type, rows);
    const shape = [dataRows, ...type.shape];
    const slot = new MemorySlot(name, byteSize({ shape, dtype: type.dtype }));
    return { slot, tensor: gatherRows(source(slot, 0, shape, type.dtype), ids!) };
  };
  const inputs = types.inputs.map((type, i) => fed(`input ${i}`, type));
  const targets = mapParts(types.targets, (type, name) => fed(name || 'target', type));
  const sampleWeight = types.sampleWeight && fed('sampleWeight', types.sampleWeight);
  const all = [...inputs, ...targets.map(([, target]) => target), ...(sampleWeight === undefined ? [] : [sampleWeight])];
  label(all.map(({ tensor }) => tensor), dataLabel); // prettier-ignore
  return {
    rows,
    inputs: inputs.map(({ tensor }) => tensor),
    targets: mapParts(targets, ({ tensor }) => tensor),
    sampleWeight: sampleWeight?.tensor,
    data: all.map(({ slot }) => slot),
    index,
  };
}
