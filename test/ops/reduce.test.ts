import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import { constant } from '../../lib/graph/source.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';
import { getThreads, setThreads } from '../../lib/threads.js';
import { type Fn, checkClose, checkForward, checkGradient, sample } from '../support/check-op.js';
import { float32Error } from '../support/tolerances.js';

const x = sample([2, 3, 4]);
const axes = [undefined, 0, 1, -1, [0, 1], [0, 2], [0, 1, 2], []] as const;
const reductions = {
  sum: ops.sum,
  mean: ops.mean,
  max: ops.max,
  min: ops.min,
  sumSquares: ops.sumSquares,
  norm: ops.norm,
  variance: ops.variance,
};

describe('reductions', () => {
  for (const [name, reduce] of Object.entries(reductions)) {
    for (const which of axes) {
      for (const keepDims of [false, true]) {
        const fn: Fn = (t) => reduce(t, which === undefined ? { keepDims } : { axes: which, keepDims });
        const text = `${name} over ${JSON.stringify(which) ?? 'all axes'}${keepDims ? ', kept' : ''}`;
        it(`${text}: values`, () => checkForward(fn, [x], 32));
        it(`${text}: gradient`, () => checkGradient(fn, [x]));
      }
    }
    it(`${name}: second gradient`, () => checkGradient((t) => reduce(t, { axes: 1 }), [x], 2));
  }
  for (const count of [32767, 32768, 40000]) {
    it(`sum of ${count} in pieces: values`, () => checkForward((t) => ops.sum(t), [sample([count])], 64));
  }
  it('max of a long vector in pieces: values', () => checkForward((t) => ops.max(t), [sample([50000])], 1));
  it('gradients of a vector in pieces are those of its elements', () => {
    const count = 40000;
    const x = sample([count]);
    const slopes = (y: (t: Tensor) => Tensor) => [...compile((t: Tensor) => gradients(y(t), [t])[0]!).sync(x).data];
    const each = (of: (value: number) => number): number[] => [...x.data].map((value) => Math.fround(of(value)));
    assert.deepEqual(slopes(ops.sum), Array(count).fill(1));
    assert.deepEqual(slopes(ops.mean), Array(count).fill(Math.fround(1 / count)));
    const double = each((value) => 2 * value);
    assert.deepEqual(slopes(ops.sumSquares), double);
    const slope = (t: Tensor) => gradients(ops.sumSquares(t), [t])[0]!;
    assert.deepEqual(
      slopes((t) => ops.sumSquares(slope(t))),
      each((value) => 8 * value),
    );
  });
  it('equal extremes share the gradient, in whatever pieces they lie', () => {
    const x = array(new Float32Array(50000), [50000]);
    const extremes = [3, 4, 5, 20000, 49999];
    for (const i of extremes) x.data[i] = 7;
    const slope = compile((t: Tensor) => gradients(ops.max(t), [t])[0]!).sync(x).data;
    assert.deepEqual(
      [...slope.keys()].filter((i) => slope[i] !== 0),
      extremes,
    );
    for (const i of extremes) assert.equal(slope[i], Math.fround(1 / 5));
  });
  it('the gradient of the mean of many squares takes one pass over them', () => {
    const slope = compile((a: Tensor, b: Tensor) => gradients(ops.mean(ops.square(ops.sub(a, b))), [a])[0]!);
    assert.match(slope.describe([128, 784], [128, 784]), /^\s+kind.*\n0\s+map[^\n]*\n1 instruction/);
  });

  // Rows of 6 side by side, whole vectors, too many columns, and rows that no number divides: the last two in one round.
  for (const shape of [
    [6400, 6],
    [1024, 64],
    [640, 100],
    [64, 640],
    [6007, 6],
  ] as const) {
    for (const [name, reduce] of Object.entries(reductions)) {
      it(`${name} of the columns of [${shape.join()}]: values`, () => {
        const x = sample(shape);
        const result = compile((t: Tensor) => reduce(t, { axes: 0 })).sync(x);
        const expected = Array.from({ length: shape[1] }, (_, c) => {
          const column = Array.from({ length: shape[0] }, (_, r) => x.data[r * shape[1] + c]!);
          const total = (of: (value: number) => number): number => column.reduce((sum, value) => sum + of(value), 0);
          const mean = total((value) => value) / shape[0];
          return {
            sum: mean * shape[0],
            mean,
            max: Math.max(...column),
            min: Math.min(...column),
            sumSquares: total((value) => value ** 2),
            norm: Math.sqrt(total((value) => value ** 2)),
            variance: total((value) => (value - mean) ** 2) / shape[0],
          }[name]!;
        });
        checkClose(result.data, expected, float32Error(64));
      });
    }
  }
  it('the sum of long columns: gradient and second gradient', async () => {
    const weights = constant(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const weighted: Fn = (t) => ops.mul(ops.sumSquares(t, { axes: 0 }), weights);
    const slope = compile((t: Tensor) => gradients(ops.sum(weighted(t)), [t])[0]!);
    const second = compile((t: Tensor) => gradients(ops.sum(gradients(ops.sum(weighted(t)), [t])[0]!), [t])[0]!);
    const x = sample([4096, 8]);
    assert.deepEqual(
      [...(await slope(x)).data],
      [...x.data].map((value, i) => Math.fround(2 * value * ((i % 8) + 1))),
    );
    assert.deepEqual(
      [...(await second(x)).data],
      [...x.data].map((_, i) => 2 * ((i % 8) + 1)),
    );
  });
  it('long columns are divided among threads, and their sums have the same bits on 1, 2 and 4', () => {
    const sums = compile((t: Tensor) => ops.sum(t, { axes: 0 }));
    assert.equal(sums.describe([50176, 6]).match(/reduce/g)?.length, 2);
    const x = sample([50176, 6]);
    const before = getThreads();
    try {
      const [first, ...others] = [1, 2, 4].map((threads) => {
        setThreads(threads);
        return sums.sync(x).data;
      });
      for (const other of others) assert.deepEqual(other, first);
    } finally {
      setThreads(before);
    }
  });

  const slopeOf = (y: Fn) => compile((t: Tensor) => gradients(ops.sum(y(t)), [t])[0]!);
  it('norm at 0 has gradients of 0, the second too', () => {
    const x = array([[3, 4], [0, 0]]); // prettier-ignore
    const weights = constant(Float32Array.of(1, 2));
    const slope: Fn = (t) => gradients(ops.sum(ops.norm(t, { axes: 1 })), [t])[0]!;
    checkClose(compile(slope).sync(x).data, [0.6, 0.8, 0, 0], float32Error(4));
    // (w − y (y·w)) / norm, with y = x / norm and w = [1, 2]
    checkClose(slopeOf((t) => ops.mul(slope(t), weights)).sync(x).data, [-0.064, 0.048, 0, 0], float32Error(8));
  });
  it('norm: gradient of a penalty on gradients', () => {
    const penalty: Fn = (t, w) => {
      const [g] = gradients(ops.sum(ops.tanh(ops.matmul(t, w))), [t]);
      return ops.square(ops.sub(ops.norm(g!, { axes: 1 }), 1));
    };
    checkGradient(penalty, [sample([3, 4]), sample([4, 2], 2)]);
  });
  it('vectors of length 1 by norm, and of 0 at 0, with the gradients of PyTorch', () => {
    const unit: Fn = (t) => ops.div(t, ops.maximum(ops.norm(t, { axes: -1, keepDims: true }), 1e-12));
    const x = array([[3, 4], [0, 0]]); // prettier-ignore
    checkClose(compile(unit).sync(x).data, [0.6, 0.8, 0, 0], float32Error(4));
    const slope = slopeOf((t) => ops.mul(unit(t), constant(Float32Array.of(1, 2)))).sync(x).data;
    checkClose(slope.subarray(0, 2), [-0.064, 0.048], float32Error(8));
    checkClose(slope.subarray(2), [1e12, 2e12], float32Error(4));
  });
  it('norm names itself', () => {
    const of = (options: object) => () => ops.norm(ops.full([2, 3], 1), options);
    assert.throws(of({ axes: 2 }), { name: 'ShapeError', message: 'norm: expected axis in -2 … 1, got 2.' });
    assert.throws(of({ dim: 1 }), { name: 'OptionError', message: 'norm: expected options among axes, keepDims, got dim.' });
    const message =
      'norm: expected an object of options { axes, keepDims }, got 2. Its order is 2: leave that out, or name axes: { axes: -1 }.';
    assert.throws(of(2 as never), { name: 'OptionError', message });
  });
  it('norm keeps the axes it is asked to keep, those of size 1 too', () => {
    const x = array([[[3, 1], [4, 2], [0, 2]]]); // prettier-ignore
    const of = (options?: ops.ReduceOptions): readonly unknown[] => {
      const { data, shape } = compile((t: Tensor) => ops.norm(t, options)).sync(x);
      return [[...shape], [...data]];
    };
    assert.deepEqual(of({ axes: 1 }), [[1, 2], [5, 3]]); // prettier-ignore
    assert.deepEqual(of({ axes: [-2, 0] }), [[2], [5, 3]]);
    assert.deepEqual(of({ axes: -2, keepDims: true }), [[1, 1, 2], [5, 3]]); // prettier-ignore
    assert.deepEqual(of({ axes: [] }), [[1, 3, 2], [...x.data]]); // prettier-ignore
    assert.deepEqual(of()[0], []);
  });

  it('argmax and argmin give the first extreme, NaN counts', async () => {
    const f = compile((t: ops.Operand & object) => [ops.argmax(t), ops.argmin(t)] as const);
    const [largest, smallest] = await f(array([[1, 3, 3], [2, NaN, 0], [-1, -1, -1]])); // prettier-ignore
    assert.deepEqual([[...largest.data], [...smallest.data]], [[1, 1, 0], [0, 1, 0]]); // prettier-ignore
  });
  it('an axis out of range is named', () => {
    for (const reduce of [ops.sum, ops.variance])
      assert.throws(() => compile((t: Tensor) => reduce(t, { axes: 3 })).describe([2, 3]), {
        message: `${reduce.name}: expected axis in -2 … 1, got 3.`,
      });
  });
});
