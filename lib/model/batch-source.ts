/** Batches as programs see them. */
import { MemorySlot, source } from '../graph/source.js';
import { type Tensor, type TensorType, byteSize } from '../graph/tensor.js';

/** A symbolic batch of `rows` rows at the start of a memory that moves on by one batch each step. */
export function batchSource(name: string, row: TensorType, rows: number): { readonly slot: MemorySlot; readonly tensor: Tensor } {
  const shape = [rows, ...row.shape];
  const bytes = byteSize({ shape, dtype: row.dtype });
  const slot = new MemorySlot(name, bytes, bytes);
  return { slot, tensor: source(slot, 0, shape, row.dtype) };
}

/** Batches of `count` rows for the inputs of a model. */
export function inputTensors(rows: readonly TensorType[], count: number): readonly Tensor[] {
  return rows.map((row, i) => batchSource(`input ${i}`, row, count).tensor);
}
