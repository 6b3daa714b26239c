/**
 * The kernels by themselves: synchronous functions on typed arrays, on the calling thread and the pool, without a graph.
 * Matrices are row-major; sizes and strides are in elements. Pass `subarray()` to begin elsewhere. All throw OptionError for
 * options of the wrong kind and ShapeError for arrays that are too short, or that overlap where they must not.
 * @packageDocumentation
 */
import {
  type Activation,
  type MapOp,
  type ReduceKind,
  type SoftmaxKind,
  activations,
  mapOps,
  reduceKinds,
  softmaxKinds,
} from './compile/instructions/index.js';
import { DTypeError, ShapeError } from './errors.js';
import { call, checkLength, floats, ints, size } from './kernel-checks.js';
import { type NumericArray, native } from './native.js';
import { type Rule, boolean, checkOptions, count, integer, nonNegativeInteger, oneOf, required } from './options.js';
import { dtypeOf, isNumericArray } from './typed-arrays.js';

export * from './kernels-images.js';
export * from './kernels-recurrent.js';
export type { NumericArray } from './native.js';
export type { Activation, MapOp, ReduceKind, SoftmaxKind };

const word: Rule = {
  expected: 'a whole number in 0 … 2³² − 1',
  accepts: (value) => nonNegativeInteger.accepts(value) && Number(value) < 2 ** 32,
};
const floatsOrInts: Rule = { expected: 'a Float32Array or Int32Array', accepts: (value) => floats.accepts(value) || ints.accepts(value) };
const numbers: Rule = { expected: 'a Float32Array, Int32Array or Uint8Array', accepts: isNumericArray };

/** Sizes, arrays and strides of {@link gemm}. */
export interface GemmOptions {
  /** Rows of op(A) and of C. */
  readonly m: number;
  /** Columns of op(B) and of C. */
  readonly n: number;
  /** Columns of op(A), rows of op(B). */
  readonly k: number;
  /** [M, K], transposed [K, M] */
  readonly a: Float32Array;
  /** [K, N], transposed [N, K] */
  readonly b: Float32Array;
  /** The result [M, N]; apart from a and b. */
  readonly c: Float32Array;
  /** From one row of the stored A to the next. Default: its columns. */
  readonly lda?: number | undefined;
  /** From one row of the stored B to the next. Default: its columns. */
  readonly ldb?: number | undefined;
  /** From one row of C to the next. Default: N. */
  readonly ldc?: number | undefined;
  /** A is stored transposed. Default: false. */
  readonly transposeA?: boolean | undefined;
  /** B is stored transposed. Default: false. */
  readonly transposeB?: boolean | undefined;
  /** 1 adds to C, 0 overwrites it. Default: 0. */
  readonly beta?: 0 | 1 | undefined;
  /** [N], added to each row. Default: none. */
  readonly bias?: Float32Array | undefined;
  /** Applied to the result. Default: 'none'. */
  readonly activation?: Activation | undefined;
}

/** Multiplies matrices: C ← activation(op(A) · op(B) + bias + beta · C), op transposing on demand. */
export function gemm(options: GemmOptions): void {
  checkOptions('gemm', options, {
    m: size,
    n: size,
    k: size,
    a: required(floats),
    b: required(floats),
    c: required(floats),
    lda: count,
    ldb: count,
    ldc: count,
    transposeA: boolean,
    transposeB: boolean,
    beta: { expected: '0 or 1', accepts: (value) => value === 0 || value === 1 },
    bias: floats,
    activation: oneOf(...activations),
  });
  const { m, n, k, a, b, c, transposeA = false, transposeB = false, beta = 0, bias, activation = 'none' } = options;
  const lda = checkMatrix('a', a, transposeA ? [k, m] : [m, k], options.lda);
  const ldb = checkMatrix('b', b, transposeB ? [n, k] : [k, n], options.ldb);
  const ldc = checkMatrix('c', c, [m, n], options.ldc);
  if (bias !== undefined) checkLength('gemm', 'bias', bias, n);
  const [aRow, aCol] = transposeA ? [1, lda] : [lda, 1];
  const [bRow, bCol] = transposeB ? [1, ldb] : [ldb, 1];
  call('gemm', () =>
    native().gemm(m, n, k, a, 0, aRow, aCol, b, 0, bRow, bCol, c, 0, ldc, bias, activations.indexOf(activation), beta === 1),
  );
}

/** Options of {@link softmax}. */
export interface SoftmaxKernelOptions {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] */
  readonly input: Float32Array;
  /** [rows, columns], or [rows] for 'logSumExp'. */
  readonly output: Float32Array;
  /** Default: 'softmax'. */
  readonly kind?: SoftmaxKind | undefined;
}

/** Takes softmax, its logarithm, or ln Σ eˣ of each row. */
export function softmax(options: SoftmaxKernelOptions): void {
  checkOptions('softmax', options, {
    rows: size,
    columns: size,
    input: required(floats),
    output: required(floats),
    kind: oneOf(...softmaxKinds),
  });
  const { rows, columns, input, output, kind = 'softmax' } = options;
  checkLength('softmax', 'input', input, rows * columns);
  checkLength('softmax', 'output', output, kind === 'logSumExp' ? rows : rows * columns);
  call('softmax', () => native().softmax(softmaxKinds.indexOf(kind), rows, columns, input, output), { in: 'input', out: 'output' });
}

/** Options of {@link reduce}. */
export interface ReduceKernelOptions {
  readonly kind: ReduceKind;
  /** Default: 1. */
  readonly outer?: number | undefined;
  readonly count: number;
  /** Default: 1. */
  readonly inner?: number | undefined;
  /** [outer, count, inner] */
  readonly input: Float32Array;
  /** [outer, inner] */
  readonly output: Float32Array;
}

/** Takes the sum, mean, largest, smallest or sum of squares over the middle dimension, in an order that depends on the sizes only. */
export function reduce(options: ReduceKernelOptions): void {
  checkOptions('reduce', options, {
    kind: required(oneOf(...reduceKinds)),
    outer: nonNegativeInteger,
    count: size,
    inner: nonNegativeInteger,
    input: required(floats),
    output: required(floats),
  });
  const { kind, outer = 1, count, inner = 1, input, output } = options;
  checkLength('reduce', 'input', input, outer * count * inner);
  checkLength('reduce', 'output', output, outer * inner);
  call('reduce', () => native().reduce(reduceKinds.indexOf(kind), outer, count, inner, input, output), { in: 'input', out: 'output' });
}

/** Options of {@link crossEntropy}. */
export interface CrossEntropyKernelOptions {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] */
  readonly logits: Float32Array;
  /** [rows] */
  readonly ids: Int32Array;
  /** Rows of this id get loss 0. Default: −100. */
  readonly ignoreIndex?: number | undefined;
  /** Result [rows]. */
  readonly loss: Float32Array;
}

/** Takes −ln softmax(logits)[id] of each row. @throws DataError for an id that is no column */
export function crossEntropy(options: CrossEntropyKernelOptions): void {
  checkOptions('crossEntropy', options, {
    rows: size,
    columns: size,
    logits: required(floats),
    ids: required(ints),
    ignoreIndex: integer,
    loss: required(floats),
  });
  const { rows, columns, logits, ids, ignoreIndex = -100, loss } = options;
  checkLength('crossEntropy', 'logits', logits, rows * columns);
  checkLength('crossEntropy', 'ids', ids, rows);
  checkLength('crossEntropy', 'loss', loss, rows);
  call('crossEntropy', () => native().crossEntropy(rows, columns, logits, ids, ignoreIndex, loss), {}, columns);
}

/** Options of {@link crossEntropyBackward}. */
export interface CrossEntropyBackwardOptions {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] */
  readonly logits: Float32Array;
  /** [rows] */
  readonly ids: Int32Array;
  /** Rows of this id get gradient 0. Default: −100. */
  readonly ignoreIndex?: number | undefined;
  /** [rows] */
  readonly dloss: Float32Array;
  /** Result [rows, columns], overwritten. */
  readonly dlogits: Float32Array;
}

/** Takes dloss · (softmax(logits) − onehot(id)) of each row. @throws DataError for an id that is no column */
export function crossEntropyBackward(options: CrossEntropyBackwardOptions): void {
  checkOptions('crossEntropyBackward', options, {
    rows: size,
    columns: size,
    logits: required(floats),
    ids: required(ints),
    ignoreIndex: integer,
    dloss: required(floats),
    dlogits: required(floats),
  });
  const { rows, columns, logits, ids, ignoreIndex = -100, dloss, dlogits } = options;
  checkLength('crossEntropyBackward', 'logits', logits, rows * columns);
  checkLength('crossEntropyBackward', 'ids', ids, rows);
  checkLength('crossEntropyBackward', 'dloss', dloss, rows);
  checkLength('crossEntropyBackward', 'dlogits', dlogits, rows * columns);
  call('crossEntropyBackward', () => native().crossEntropyBackward(rows, columns, logits, ids, ignoreIndex, dloss, dlogits), {}, columns);
}

/** Options of {@link gatherRows}. */
export interface GatherRowsOptions<T extends NumericArray> {
  /** Elements of a row. */
  readonly width: number;
  /** [rows, width] */
  readonly table: T;
  readonly ids: Int32Array;
  /** [ids, width], of the table's kind */
  readonly output: T;
}

/** Copies rows: output[i] = table[ids[i]]. @throws DataError for an id that is no row */
export function gatherRows<T extends NumericArray>(options: GatherRowsOptions<T>): void {
  checkOptions('gatherRows', options, { width: required(count), table: required(numbers), ids: required(ints), output: required(numbers) });
  const { width, table, ids, output } = options;
  if (dtypeOf(table) !== dtypeOf(output)) {
    throw new DTypeError(`gatherRows: expected ${table[Symbol.toStringTag]} for output, as table, got ${output[Symbol.toStringTag]}.`);
  }
  checkLength('gatherRows', 'output', output, ids.length * width);
  const rows = Math.floor(table.length / width);
  const copy = (): void => native().gatherRows(ids.length, rows, width * table.BYTES_PER_ELEMENT, table, ids, output);
  call('gatherRows', copy, { out: 'output' }, rows);
}

/** Options of {@link elementwise}: the operation and as many operands as it has. */
export interface ElementwiseOptions {
  readonly op: MapOp;
  readonly a: Float32Array;
  readonly b?: Float32Array | undefined;
  readonly c?: Float32Array | undefined;
  /** As long as the inputs; may be one of them. */
  readonly output: Float32Array;
}

/** Applies one operation to every element; inputs it does not read may be left out. */
export function elementwise(options: ElementwiseOptions): void {
  checkOptions('elementwise', options, {
    op: required(oneOf(...mapOps)),
    a: required(floats),
    b: floats,
    c: floats,
    output: required(floats),
  });
  const { op, a, b, c, output } = options;
  for (const [name, input] of Object.entries({ a, b, c })) {
    if (input !== undefined) checkLength('elementwise', name, input, output.length);
  }
  call('elementwise', () => native().map(mapOps.indexOf(op), a, b, c, output));
}

/** Options of the functions that fill an array with random numbers. */
export interface RandomKernelOptions {
  /** The key. */
  readonly seed: number;
  /** Part of the counter, 0 … 2³² − 1. Default: 0. */
  readonly stream?: number | undefined;
  /** Part of the counter. Default: 0. */
  readonly step?: number | undefined;
  /** Float32Array: uniform in [0, 1). Int32Array: 32 random bits each. */
  readonly output: Float32Array | Int32Array;
}

/** Fills with Philox4x32-10 numbers, a function of seed, stream, step and position. */
export function random(options: RandomKernelOptions): void {
  checkOptions('random', options, { seed: size, stream: word, step: nonNegativeInteger, output: required(floatsOrInts) });
  const { seed, stream = 0, step = 0, output } = options;
  call('random', () => native().random(seed % 2 ** 32, Math.floor(seed / 2 ** 32), stream, step, 0, output));
}

/** The leading dimension of a stored [rows, columns] matrix, or a ShapeError if it or the array is too short. */
function checkMatrix(
  name: string,
  array: Float32Array,
  [rows, columns]: readonly [number, number],
  stride: number = Math.max(columns, 1),
): number {
  if (stride < columns) throw new ShapeError(`gemm: expected ld${name} ≥ ${columns}, the columns of the stored ${name}, got ${stride}.`);
  checkLength('gemm', name, array, rows === 0 || columns === 0 ? 0 : (rows - 1) * stride + columns);
  return stride;
}
