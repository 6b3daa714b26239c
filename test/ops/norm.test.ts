import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { BatchNorm, GroupNorm } from '../../lib/layers/index.js';
import { trace } from '../../lib/model/trace.js';
import * as ops from '../../lib/ops/index.js';
import { Philox } from '../../lib/random.js';
import { checkForward, checkGradient, sample } from '../support/check-op.js';

const norm = (...[x, weight, bias]: readonly Tensor[]): Tensor => ops.batchNorm(x!, weight, bias, 1e-5).y;
const operands = (shape: readonly number[]) => [sample(shape, 1), sample([shape.at(-1)!], 2), sample([shape.at(-1)!], 3)]; // prettier-ignore

describe('batchNorm', () => {
  for (const shape of [
    [5, 3],
    [2, 3, 2, 17],
    [7, 1],
  ]) {
    // prettier-ignore
    it(`of [${shape.join()}] is the formula`, () => checkForward(norm, operands(shape), 40));
    it(`of [${shape.join()}] has its gradients, first and second`, () => checkGradient(norm, operands(shape), 2));
  }

  // prettier-ignore
  it('of one column in several chunks is the formula', () => checkForward(norm, operands([9000, 1]), 60));

  it('has the gradient that differentiation of the formula gives', () => {
    const plain = (x: Tensor): Tensor => {
      const centred = ops.sub(x, ops.mean(x, { axes: 0 }));
      return ops.mul(centred, ops.reciprocal(ops.sqrt(ops.add(ops.mean(ops.square(centred), { axes: 0 }), 1e-5))));
    };
    const slope = (f: (x: Tensor) => Tensor) => compile((x: Tensor, dy: Tensor) => gradients(f(x), [x], dy)[0]!);
    const [x, dy] = [sample([9, 4], 4), sample([9, 4], 5)];
    const closed = slope((t) => ops.batchNorm(t, undefined, undefined, 1e-5).y).sync(x, dy).data;
    const derived = slope(plain).sync(x, dy).data;
    // Some forty roundings of numbers below 8 either way.
    closed.forEach((v, i) => assert.ok(Math.abs(v - derived[i]!) <= 2 * 40 * 8 * 2 ** -24, `${i}: ${v}, ${derived[i]!}`));
  });

  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [
      () => ops.batchNorm(ops.full([], 1), undefined, undefined, 1e-5),
      'ShapeError',
      'batchNorm: expected x of rank ≥ 1 [..., C], got []. Give it a dimension of channels.',
    ],
    [
      () => ops.batchNorm(ops.full([4, 2], 1), ops.full([2, 2], 1), undefined, 1e-5),
      'ShapeError',
      'batchNorm: expected weight of shape [2], one value a channel of x, got [2, 2].',
    ],
    [
      () => ops.batchNorm(ops.full([4, 2], 1), undefined, ops.full([1], 1), 1e-5),
      'ShapeError',
      'batchNorm: expected bias of shape [2], one value a channel of x, got [1].',
    ],
    [
      () => ops.batchNorm(ops.full([4, 2], 1), undefined, undefined, -5),
      'OptionError',
      'batchNorm: expected a number > 0, 1.2e-38 at least for eps, got -5.',
    ],
  ];
  for (const [make, name, message] of wrong) it(message, () => assert.throws(make, { name, message }));

  it('keeps the digits of a small spread far from zero', () => {
    const x = new Philox(1).normal(4000).map((v) => 1000 + v);
    const mean = x.reduce((sum, v) => sum + v, 0) / 4000;
    const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 4000;
    const moments = compile((t: Tensor) => ops.batchNorm(t, undefined, undefined, 1e-5).variance);
    // The mean of each chunk is off by less than 2^-10; its square and the sum's roundings are all there is.
    assert.ok(Math.abs(moments.sync(array(x, [4000, 1])).data[0]! - variance) <= 1e-4 * variance);
  });

  it('is 0 for a constant, however large, and keeps the digits of a spread that float32 holds', () => {
    const normalise = compile((t: Tensor) => ops.batchNorm(t, undefined, undefined, 1e-5).y);
    const moments = compile((t: Tensor) => Object.values(ops.columnMoments(t)));
    for (const rows of [1, 512, 1300, 100_000]) {
      const constant = array(new Float32Array(rows * 3).fill(10000.1), [rows, 3]);
      assert.ok(normalise.sync(constant).data.every((v) => v === 0));
      const x = Float32Array.from(new Philox(2).normal(rows), (v) => 1e6 + v);
      const exact = x.reduce((sum, v) => sum + (v - 1e6), 0) / rows + 1e6;
      const squares = x.reduce((sum, v) => sum + (v - exact) ** 2, 0) / rows;
      const [mean, variance] = moments.sync(array(x, [1, rows, 1])) as [NdArray, NdArray];
      // Two units of the last place of 1e6; around a mean that is off by e, squares are too large by e².
      assert.ok(Math.abs(mean.data[0]! - exact) <= 2 ** -3, `${rows}: ${mean.data[0]! - exact}`);
      assert.ok(Math.abs(variance.data[0]! - squares) <= 2 ** -6, `${rows}: ${variance.data[0]! - squares}`);
    }
  });

  it('computes the gradient in one pass of sums and one map', () => {
    const f = compile((x: Tensor, dy: Tensor) => gradients(ops.batchNorm(x, undefined, undefined, 1e-5).y, [x], dy)[0]!);
    const lines = f.describe(sample([64, 16], 1), sample([64, 16], 2)).split('\n');
    const large = (kind: string): number => lines.filter((line) => line.split(/ +/)[1] === kind && /\[(1, )?64, 16\]/.test(line)).length;
    assert.deepEqual([large('map'), large('columnMoments'), large('columnProducts'), large('reduce')], [1, 1, 1, 0], lines.join('\n'));
  });
});

describe('customGradient', () => {
  it('is its value, with the gradient it was given', () => {
    const f = (x: Tensor): Tensor => ops.customGradient(ops.exp(x), [x], (dy) => [ops.mul(dy, 3)]);
    const [y, dx] = compile((x: Tensor) => [f(x), gradients(ops.sum(f(x)), [x])[0]!] as const).sync(array(new Float32Array([0]), [1]));
    assert.deepEqual([y.data[0], dx.data[0]], [1, 3]);
  });
});

describe('BatchNorm', () => {
  /** Output and new running statistics of one step in training, or the output in evaluation. */
  const run = (layer: BatchNorm, training: boolean) =>
    compile((x: Tensor, mean: Tensor, variance: Tensor) => {
      const resolve = (_kind: string, path: string): Tensor => (path === 'runningMean' ? mean : variance);
      const { output, assigned } = trace(layer, [x], { training, seed: 0n, resolve });
      return training ? [output, assigned.get('runningMean')!, assigned.get('runningVar')!] : [output];
    });
  const [mean, variance] = [array(new Float32Array([10, 20]), [2]), array(new Float32Array([4, 16]), [2])];

  it('moves the running statistics towards the batch, the variance unbiased', () => {
    const x = array(new Float32Array([1, 0, 3, 0, 5, 6]), [3, 2]);
    const [y, newMean, newVariance] = run(new BatchNorm({ momentum: 0.25, affine: false }), true).sync(x, mean, variance);
    assert.deepEqual([...newMean!.data], [0.75 * 10 + 0.25 * 3, 0.75 * 20 + 0.25 * 2]);
    assert.deepEqual([...newVariance!.data], [0.75 * 4 + 0.25 * 4, 0.75 * 16 + 0.25 * 12]);
    assert.ok(Math.abs(y.data[0]! + 2 / Math.sqrt(8 / 3 + 1e-5)) <= 2 ** -22);
  });

  it('uses the running statistics when it does not train, also for one row', () => {
    const [y] = run(new BatchNorm({ affine: false }), false).sync(array(new Float32Array([14, 12]), [1, 2]), mean, variance);
    assert.ok(Math.abs(y.data[0]! - 2) <= 1e-5);
    assert.ok(Math.abs(y.data[1]! + 2) <= 1e-5);
  });

  const x = (...shape: number[]) => sample(shape);
  it('refuses what it cannot normalise', () => {
    const layer = new BatchNorm({ affine: false });
    assert.throws(() => run(layer, true).sync(x(1, 2), mean, variance), /BatchNorm: expected more than one row a channel while training, got x \[1, 2\]. Use a larger batch, leave a last one of one row out \(dropLast\), or use GroupNorm./);
    assert.throws(() => run(layer, true).sync(x(2), mean, variance), /BatchNorm: expected x \[..., C\] of rank ≥ 2 with C ≥ 1, got \[2\]. Reshape it./);
    assert.throws(() => new BatchNorm({ momentum: 2 }), { message: 'BatchNorm: expected a number in [0, 1] for momentum, got 2.' });
    assert.throws(() => new GroupNorm(0), { message: 'GroupNorm: expected a whole number ≥ 1 for groups, got 0.' });
    const odd = new GroupNorm(2, { affine: false });
    assert.throws(() => compile((t: Tensor) => trace(odd, [t], { training: true, seed: 0n, resolve: () => t }).output).sync(x(2, 3)), /GroupNorm: expected x \[N, ..., C\] with C ≥ 1 divided by 2 groups, got \[2, 3\]. Change groups or the channels./);
  }); // prettier-ignore
});

describe('layerNorm', () => {
  const norm = (...[x, weight, bias]: readonly Tensor[]): Tensor => ops.layerNorm(x!, weight!.shape, weight, bias, 1e-5);
  for (const [shape, normalised] of [
    [[5, 3], [3]],
    [
      [2, 3, 4],
      [3, 4],
    ],
    [[2, 70], [70]],
    [[3, 1], [1]],
    [[7], [7]],
  ] as const) {
    const inputs = [sample(shape, 1), sample(normalised, 2), sample(normalised, 3)];
    it(`of [${shape.join()}] over [${normalised.join()}] is the formula`, () => checkForward(norm, inputs, 40));
    it(`of [${shape.join()}] over [${normalised.join()}] has its gradients, first and second`, () => checkGradient(norm, inputs, 2));
  }
  it('of rows in several chunks is the formula', () => checkForward(norm, operands([2, 9000]), 60));
  it('without weight and bias has its gradients, first and second', () =>
    checkGradient((x) => ops.layerNorm(x, [6], undefined, undefined, 1e-3), [sample([4, 6])], 2));
  it('is 0 for rows of one value, however large', () => {
    const normalise = compile((t: Tensor) => ops.layerNorm(t, [512], undefined, undefined, 1e-5));
    assert.ok(normalise.sync(array(new Float32Array(1024).fill(10000.1), [2, 512])).data.every((v) => v === 0));
  });
  it('takes seven passes over its arrays, forward and backward', () => {
    const slope = compile((...[x, w, b, dy]: readonly Tensor[]) => {
      const inputs = [x!, w!, b!];
      const y = ops.layerNorm(x!, [512], w, b, 1e-5);
      return [y, ...gradients(y, inputs, dy)];
    });
    const lines = slope.describe([64, 512], [512], [512], [64, 512]).split('\n');
    const large = lines.filter((line) => /(64|2, 32), 512/.test(line)).map((line) => line.split(/ +/)[1]!);
    assert.deepEqual(large.sort(), ['columnMoments', 'columnProducts', 'map', 'map', 'map', 'reduce', 'reduce']);
  });
  it('refuses what does not fit', () => {
    const x = ops.full([4, 2], 1);
    assert.throws(() => ops.layerNorm(x, [3], undefined, undefined, 1e-5), {
      name: 'ShapeError',
      message: 'layerNorm: expected x of shape [..., 3], got [4, 2]. Change shape or x.',
    });
    assert.throws(() => ops.layerNorm(x, [], undefined, undefined, 1e-5), {
      name: 'ShapeError',
      message: 'layerNorm: expected a shape of at least one dimension, got []. Give the last sizes of x.',
    });
    assert.throws(() => ops.layerNorm(x, [2], ops.full([3], 1), undefined, 1e-5), {
      name: 'ShapeError',
      message: 'layerNorm: expected weight of shape [2], one value an element of shape, got [3].',
    });
  });
});

describe('groupNorm', () => {
  for (const [shape, groups] of [
    [[2, 3, 4], 2],
    [[3, 2, 2, 6], 3],
    [[2, 5, 4], 4],
    [[3, 6], 1],
    [[2, 600, 4], 2],
  ] as const) {
    const norm = (...[x, weight, bias]: readonly Tensor[]): Tensor => ops.groupNorm(x!, groups, weight, bias, 1e-5);
    it(`of [${shape.join()}] in ${groups} groups is the formula`, () => checkForward(norm, operands(shape), 40));
    if (shape[1] < 100)
      it(`of [${shape.join()}] in ${groups} groups has its gradients, first and second`, () => checkGradient(norm, operands(shape), 2));
  }
  it('refuses what does not fit', () => {
    assert.throws(() => ops.groupNorm(ops.full([4, 2, 6], 1), 4, undefined, undefined, 1e-5), {
      name: 'ShapeError',
      message: 'groupNorm: expected x [N, ..., C] with C ≥ 1 divided by 4 groups, got [4, 2, 6]. Change groups or the channels.',
    });
    assert.throws(() => ops.groupNorm(ops.full([4, 2, 6], 1), 0, undefined, undefined, 1e-5), {
      name: 'OptionError',
      message: 'groupNorm: expected a whole number ≥ 1 for groups, got 0.',
    });
  });
});
