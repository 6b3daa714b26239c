import assert from 'node:assert/strict';
import {
  type Activation,
  crossEntropy,
  crossEntropyBackward,
  elementwise,
  gatherRows,
  gemm,
  random,
  reduce,
  softmax,
} from '../lib/kernels.js';
import { Philox } from '../lib/random.js';

const floats = (count: number, seed = 1): Float32Array => new Philox(seed).normal(count);

const activate: Readonly<Record<Activation, (x: number) => number>> = {
  none: (x) => x,
  relu: (x) => Math.max(0, x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
};

interface GemmCase {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly beta?: 0 | 1;
  readonly bias?: boolean;
  readonly activation?: Activation;
  /** Added to every leading dimension. */
  readonly gap?: number;
}

/** Against a sum in double precision, and nothing written between the rows of C. */
function checkGemm({
  m,
  n,
  k,
  transposeA = false,
  transposeB = false,
  beta = 0,
  bias: biased = false,
  activation = 'none',
  gap = 0,
}: GemmCase): void {
  const [lda, ldb, ldc] = [(transposeA ? m : k) + gap, (transposeB ? k : n) + gap, n + gap];
  const a = floats((transposeA ? k : m) * lda, 1);
  const b = floats((transposeB ? n : k) * ldb, 2);
  const c = floats(m * ldc, 3);
  const bias = biased ? floats(n, 4) : undefined;
  const before = c.slice();
  gemm({ m, n, k, a, b, c, transposeA, transposeB, beta, activation, ...(gap > 0 && { lda, ldb, ldc }), ...(bias && { bias }) });
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < ldc; j++) {
      const at = i * ldc + j;
      if (j >= n) {
        assert.equal(c[at], before[at], 'between the rows');
        continue;
      }
      let sum = beta * before[at]! + (bias?.[j] ?? 0);
      let size = Math.abs(sum);
      for (let q = 0; q < k; q++) {
        const term = a[transposeA ? q * lda + i : i * lda + q]! * b[transposeB ? j * ldb + q : q * ldb + j]!;
        sum += term;
        size += Math.abs(term);
      }
      // k roundings of partial sums no larger than the sum of sizes, and a few of the activation.
      const tolerance = 2 ** -24 * ((k + 2) * size + 8);
      assert.ok(Math.abs(c[at]! - activate[activation](sum)) <= tolerance, `[${i}, ${j}]: ${c[at]} for ${activate[activation](sum)}`);
    }
  }
}

const gemmCases: readonly GemmCase[] = [
  { m: 5, n: 7, k: 3 },
  { m: 33, n: 65, k: 40, gap: 3 },
  { m: 8, n: 16, k: 9, transposeA: true },
  { m: 8, n: 16, k: 9, transposeB: true, gap: 1 },
  { m: 17, n: 19, k: 23, transposeA: true, transposeB: true, gap: 2 },
  { m: 12, n: 32, k: 64, beta: 1 },
  { m: 6, n: 10, k: 4, bias: true },
  { m: 6, n: 10, k: 4, bias: true, activation: 'relu' },
  { m: 6, n: 10, k: 4, activation: 'sigmoid', gap: 5 },
  { m: 6, n: 10, k: 4, bias: true, activation: 'tanh', transposeB: true },
  { m: 1, n: 1, k: 1 },
  { m: 3, n: 2, k: 0, bias: true },
  { m: 0, n: 2, k: 3 },
];

describe('raw kernels', () => {
  for (const of of gemmCases) it(`gemm ${JSON.stringify(of)}`, () => checkGemm(of));

  it('softmax, its logarithm and logSumExp', () => {
    const input = Float32Array.of(1, 2, 3, 1000, 1000, 1000);
    const output = new Float32Array(6);
    softmax({ rows: 2, columns: 3, input, output });
    const e = [1, 2, 3].map((x) => Math.exp(x - 3));
    const total = e[0]! + e[1]! + e[2]!;
    e.forEach((x, i) => assert.ok(Math.abs(output[i]! - x / total) < 2 ** -23));
    assert.ok(Math.abs(output[5]! - 1 / 3) < 2 ** -23);
    softmax({ rows: 2, columns: 3, input, output, kind: 'logSoftmax' });
    assert.ok(Math.abs(output[3]! + Math.log(3)) < 2 ** -22);
    const logSum = new Float32Array(2);
    softmax({ rows: 2, columns: 3, input, output: logSum, kind: 'logSumExp' });
    assert.ok(Math.abs(logSum[0]! - (3 + Math.log(total))) < 2 ** -21);
  });
  for (const [kind, expected] of [
    ['sum', [9, 12]],
    ['mean', [3, 4]],
    ['max', [5, 6]],
    ['min', [1, 2]],
    ['sumSquares', [35, 56]],
  ] as const) {
    it(`reduce ${kind}`, () => {
      const output = new Float32Array(2);
      reduce({ kind, count: 3, inner: 2, input: Float32Array.of(1, 2, 3, 4, 5, 6), output });
      assert.deepEqual([...output], expected);
    });
  }
  it('cross-entropy forward and backward', () => {
    const logits = Float32Array.of(0, 0, 0, 0);
    const ids = Int32Array.of(1, -100);
    const loss = new Float32Array(2);
    crossEntropy({ rows: 2, columns: 2, logits, ids, loss });
    assert.ok(Math.abs(loss[0]! - Math.LN2) < 2 ** -23);
    assert.equal(loss[1], 0);
    const dlogits = new Float32Array(4);
    crossEntropyBackward({ rows: 2, columns: 2, logits, ids, dloss: Float32Array.of(2, 2), dlogits });
    assert.deepEqual([...dlogits], [1, -1, 0, 0]);
  });
  it('gatherRows of each kind', () => {
    const output = new Uint8Array(4);
    gatherRows({ width: 2, table: Uint8Array.of(1, 2, 3, 4, 5, 6), ids: Int32Array.of(2, 0), output });
    assert.deepEqual([...output], [5, 6, 1, 2]);
  });
  it('elementwise, also in place', () => {
    const a = Float32Array.of(1, 4, 9);
    elementwise({ op: 'sqrt', a, output: a });
    elementwise({ op: 'select', a: Float32Array.of(1, 0, 1), b: a, c: Float32Array.of(7, 7, 7), output: a });
    assert.deepEqual([...a], [1, 7, 3]);
  });
  it('random: the known answers of Philox4x32-10', () => {
    // Random123's kat_vectors, counter and key all zero.
    const output = new Int32Array(4);
    random({ seed: 0, output });
    assert.deepEqual([...new Uint32Array(output.buffer)], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    const uniform = new Float32Array(4);
    random({ seed: 0, output: uniform });
    assert.equal(uniform[0], (0x6627e8d5 >>> 8) * 2 ** -24);
  });
});

const f = (count: number): Float32Array => new Float32Array(count);
const shared = f(8);

const wrong: readonly (readonly [() => unknown, string, RegExp])[] = [
  [() => gemm({ m: -1, n: 1, k: 1, a: f(1), b: f(1), c: f(1) }), 'OptionError', /^gemm: expected a whole number ≥ 0 for m, got -1\.$/],
  // @ts-expect-error required
  [() => gemm({ m: 1, n: 1, k: 1, a: f(1), b: f(1) }), 'OptionError', /^gemm: expected a Float32Array for c, got undefined\.$/],
  // @ts-expect-error of the wrong kind
  [() => gemm({ m: 1, n: 1, k: 1, a: [1], b: f(1), c: f(1) }), 'OptionError', /^gemm: expected a Float32Array for a, got \[ 1 \]\.$/],
  // @ts-expect-error no such value
  [() => gemm({ m: 1, n: 1, k: 1, a: f(1), b: f(1), c: f(1), beta: 0.5 }), 'OptionError', /^gemm: expected 0 or 1 for beta, got 0\.5\.$/],
  // @ts-expect-error unknown option
  [() => gemm({ m: 1, n: 1, k: 1, a: f(1), b: f(1), c: f(1), alpha: 1 }), 'OptionError', /^gemm: expected options among .*, got alpha\.$/],
  [() => gemm({ m: 2, n: 2, k: 2, a: f(3), b: f(4), c: f(4) }), 'ShapeError', /^gemm: expected at least 4 elements for a, got 3\.$/],
  [
    () => gemm({ m: 2, n: 2, k: 2, a: f(4), b: f(4), c: f(4), ldb: 3 }),
    'ShapeError',
    /^gemm: expected at least 5 elements for b, got 4\.$/,
  ],
  [
    () => gemm({ m: 2, n: 2, k: 2, a: f(4), b: f(4), c: f(4), ldc: 1 }),
    'ShapeError',
    /^gemm: expected ldc ≥ 2, the columns of the stored c, got 1\.$/,
  ],
  [
    () => gemm({ m: 2, n: 2, k: 2, a: f(4), b: f(4), c: f(4), bias: f(1) }),
    'ShapeError',
    /^gemm: expected at least 2 elements for bias, got 1\.$/,
  ],
  [
    () => gemm({ m: 2, n: 2, k: 2, a: shared, b: f(4), c: shared.subarray(2) }),
    'ShapeError',
    /^gemm: expected .* apart from .*, got arrays that overlap/,
  ],
  [
    () => softmax({ rows: 2, columns: 3, input: f(6), output: f(5) }),
    'ShapeError',
    /^softmax: expected at least 6 elements for output, got 5\.$/,
  ],
  [
    () => reduce({ kind: 'sum', count: 3, input: f(2), output: f(1) }),
    'ShapeError',
    /^reduce: expected at least 3 elements for input, got 2\.$/,
  ],
  [
    // @ts-expect-error no such choice
    () => reduce({ kind: 'prod', count: 3, input: f(3), output: f(1) }),
    'OptionError',
    /^reduce: expected 'sum' or .* for kind, got 'prod'\.$/,
  ],
  [
    () => crossEntropy({ rows: 2, columns: 2, logits: f(4), ids: Int32Array.of(0, 2), loss: f(2) }),
    'DataError',
    /^crossEntropy: expected an index in 0 … 1, got 2 at position 1\.$/,
  ],
  [
    () => crossEntropyBackward({ rows: 1, columns: 2, logits: f(2), ids: Int32Array.of(-1), dloss: f(1), dlogits: f(2) }),
    'DataError',
    /^crossEntropyBackward: expected an index in 0 … 1, got -1 at position 0\.$/,
  ],
  [
    () => crossEntropyBackward({ rows: 1, columns: 2, logits: f(2), ids: Int32Array.of(0), dloss: f(1), dlogits: f(1) }),
    'ShapeError',
    /^crossEntropyBackward: expected at least 2 elements for dlogits, got 1\.$/,
  ],
  [
    () => gatherRows({ width: 2, table: f(4), ids: Int32Array.of(2), output: f(2) }),
    'DataError',
    /^gatherRows: expected an index in 0 … 1, got 2 at position 0\.$/,
  ],
  [
    () => gatherRows({ width: 2, table: f(1), ids: Int32Array.of(0), output: f(2) }),
    'DataError',
    /^gatherRows: expected no index, as there is nothing to choose from, got 0 at position 0\.$/,
  ],
  ...[1.5, 2 ** 31].map((ignoreIndex): (typeof wrong)[number] => [
    () => crossEntropy({ rows: 1, columns: 2, logits: f(2), ids: Int32Array.of(0), ignoreIndex, loss: f(1) }),
    'OptionError',
    new RegExp(`^crossEntropy: expected a whole number that int32 holds for ignoreIndex, got ${ignoreIndex}\\.$`),
  ]),
  [
    () => gatherRows<Float32Array | Int32Array>({ width: 1, table: f(4), ids: Int32Array.of(0), output: new Int32Array(1) }),
    'DTypeError',
    /^gatherRows: expected Float32Array for output, as table, got Int32Array\.$/,
  ],
  [() => elementwise({ op: 'add', a: f(2), output: f(2) }), 'OptionError', /^elementwise: expected a Float32Array for b, got undefined\.$/],
  [
    () => elementwise({ op: 'add', a: f(2), b: f(1), output: f(2) }),
    'ShapeError',
    /^elementwise: expected at least 2 elements for b, got 1\.$/,
  ],
  [
    () => random({ seed: 1, stream: 2 ** 32, output: f(1) }),
    'OptionError',
    /^random: expected a whole number in 0 … 2³² − 1 for stream, got 4294967296\.$/,
  ],
  [() => random({ seed: 0.5, output: f(1) }), 'OptionError', /^random: expected a whole number ≥ 0 for seed, got 0\.5\.$/],
];

describe('errors of raw kernels', () => {
  for (const [make, name, message] of wrong) it(`${name} ${message.source}`, () => assert.throws(make, { name, message }));
});
