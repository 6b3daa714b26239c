/** Data on its way into programs: checks, row types, batches, memories. */
import { NdArray, checkIntact } from '../array.js';
import { checkArray } from '../array-check.js';
import { DataError, ShapeError, formatShape } from '../errors.js';
import { MemorySlot, source } from '../graph/source.js';
import { type Tensor, type TensorType, byteSize } from '../graph/tensor.js';
import { createMemory, writeInPieces } from '../memory.js';
import { type Rule, isMap, isRecord } from '../options.js';
import { type MemoryHandle, native } from '../native.js';
import { type Pieces, inOneGo, inTurns } from '../pieces.js';

/** Rows computed at once where nothing is trained, unless the caller says. */
export const evaluationRows = 256;

/** Data for each input of a model; a single array for the common case of one. */
export type Inputs = NdArray | readonly NdArray[];

/** Weights or states by path. */
export const arrayMap: Rule = {
  expected: 'a Map of arrays made by array()',
  accepts: (value) => isMap(value) && [...value.values()].every(isNdArray),
};

export const arrayList: Rule = {
  expected: 'a list of arrays made by array()',
  accepts: (value) => Array.isArray(value) && value.every(isNdArray),
};

/** Copies of named arrays: what was given may change. @throws StateError for one whose buffer is gone */
export function copyArrays(what: string, arrays: ReadonlyMap<string, NdArray>): Map<string, NdArray> {
  return new Map(
    [...arrays].map(([path, x]) => {
      checkIntact(what, `"${path}"`, x);
      return [path, new NdArray(x.data.slice(), x.shape)];
    }),
  );
}

export function isNdArray(value: unknown): value is NdArray {
  return value instanceof NdArray;
}

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

/** The number of rows all arrays share. @throws if there is none, if they differ, or if a buffer was taken away */
export function countRows(what: string, arrays: readonly NdArray[]): number {
  if (arrays.length === 0) throw new DataError(`${what}: expected at least one array, got none.`);
  for (const x of arrays) {
    checkArray(what, 'data', x, isRecord(x) ? 'Give several inputs as a list, in the order of forward: [a, b].' : undefined);
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

/** Data up to this many bytes are taken in before the call returns. */
const bytesAtOnce = 2 ** 22;

/** Work that goes through all of these arrays: at once if they are small, else while the event loop goes on. */
export async function goThrough<T>(arrays: readonly NdArray[], work: Pieces<T>): Promise<T> {
  const bytes = arrays.reduce((total, { data }) => total + data.byteLength, 0);
  return bytes <= bytesAtOnce ? inOneGo(work) : inTurns(work);
}

/**
 * Native memories with these parts of arrays: SharedArrayBuffers are used in place, anything else is copied.
 * @param isStopped nobody wants the copies any more: they are left unfinished
 * @throws StateError if the buffer of an array is taken away meanwhile
 */
export function* memoriesOf(
  what: string,
  arrays: readonly NdArray[],
  parts: readonly NdArray[],
  isStopped = (): boolean => false,
): Pieces<MemoryHandle[]> {
  const memories: MemoryHandle[] = [];
  for (const { data } of parts) {
    if (data.buffer instanceof SharedArrayBuffer && data.length > 0) {
      memories.push(native().shareMemory(data));
      continue;
    }
    const memory = createMemory(data.byteLength);
    memories.push(memory);
    const pieces = writeInPieces(memory, 0, data);
    while (!isStopped()) {
      for (const x of arrays) checkIntact(what, 'data', x);
      if (pieces.next().done === true) break;
      yield;
    }
  }
  return memories;
}

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

/** Consecutive steps over batches of one size. */
export interface BatchRun {
  readonly begin: number;
  readonly rows: number;
  readonly steps: number;
}

/** `count` rows as full batches and, if some are left, one smaller batch. */
export function batchRuns(count: number, batchSize: number): readonly BatchRun[] {
  const steps = Math.floor(count / batchSize);
  const rest = count - steps * batchSize;
  return [
    ...(steps > 0 ? [{ begin: 0, rows: batchSize, steps }] : []),
    ...(rest > 0 ? [{ begin: count - rest, rows: rest, steps: 1 }] : []),
  ];
}
