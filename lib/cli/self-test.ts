import { elementwise, gemm, reduce, softmax } from '../kernels.js';

/** A kernel's largest error against float64, and what its arithmetic allows. */
export interface SelfTestResult {
  readonly kernel: string;
  readonly error: number;
  readonly bound: number;
}

/** Rounding of one float32 operation, relative. */
const unit = 2 ** -24;

/** Runs kernels at sizes that are whole vectors of no instruction set, on data that is the same everywhere. */
export function selfTest(): readonly SelfTestResult[] {
  return [product(37, 29, 131), total(1003), softmaxOfRows(5, 77), hyperbolicTangent(203)];
}

/** Numbers in −1 … 1 that repeat late: the fractions of multiples of the golden ratio. */
function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => 2 * (((i + seed) * 0.6180339887498949) % 1) - 1);
}

function largest(count: number, error: (i: number) => number): number {
  let most = 0;
  for (let i = 0; i < count; i++) most = Math.max(most, error(i)); // NaN stays
  return most;
}

/** A chain of K FMAs errs by at most K roundings of Σ|a·b| ≤ K. */
function product(m: number, n: number, k: number): SelfTestResult {
  const a = numbers(m * k, 1);
  const b = numbers(k * n, 7);
  const c = new Float32Array(m * n);
  gemm({ m, n, k, a, b, c });
  const exact = (i: number): number => {
    const row = Math.floor(i / n) * k;
    let sum = 0;
    for (let p = 0; p < k; p++) sum += a[row + p]! * b[p * n + (i % n)]!;
    return sum;
  };
  return { kernel: 'gemm', error: largest(m * n, (i) => Math.abs(c[i]! - exact(i))), bound: k * k * unit };
}

function total(count: number): SelfTestResult {
  const input = numbers(count, 3);
  const output = new Float32Array(1);
  reduce({ kind: 'sum', outer: 1, count, inner: 1, input, output });
  const exact = input.reduce((sum, x) => sum + x, 0);
  return { kernel: 'reduce', error: Math.abs(output[0]! - exact), bound: count * count * unit };
}

/** exp and the division round, the sum as a chain of `columns`: all relative to values of at most 1. */
function softmaxOfRows(rows: number, columns: number): SelfTestResult {
  const input = numbers(rows * columns, 5);
  const output = new Float32Array(rows * columns);
  softmax({ rows, columns, input, output });
  const exact = (i: number): number => {
    const row = input.subarray(i - (i % columns), i - (i % columns) + columns);
    return Math.exp(input[i]!) / row.reduce((sum, x) => sum + Math.exp(x), 0);
  };
  return { kernel: 'softmax', error: largest(output.length, (i) => Math.abs(output[i]! - exact(i))), bound: (columns + 8) * unit };
}

/** |tanh| ≤ 1; the kernel promises 3 units in the last place, 5 without FMA. */
function hyperbolicTangent(count: number): SelfTestResult {
  const a = numbers(count, 9).map((x) => 8 * x);
  const output = new Float32Array(count);
  elementwise({ op: 'tanh', a, output });
  return { kernel: 'tanh', error: largest(count, (i) => Math.abs(output[i]! - Math.tanh(a[i]!))), bound: 8 * unit };
}
