/** The product of matrices as a raw kernel. Part of `lanewise/kernels`. */
import { type Activation, activations } from '../compile/instructions/index.js';
import { ShapeError } from '../errors.js';
import { native } from '../native.js';
import { boolean, checkOptions, count, oneOf, required } from '../options.js';
import { call, checkLength, floats, size } from './checks.js';

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
