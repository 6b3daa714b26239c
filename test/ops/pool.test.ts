import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradcheck } from '../../lib/gradcheck.js';
import { gradients } from '../../lib/graph/gradients.js';
import { MemorySlot, constant, source } from '../../lib/graph/source.js';
import type { Shape } from '../../lib/graph/shape.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { AdaptiveAvgPool2d, AvgPool2d, GlobalAvgPool2d, MaxPool2d } from '../../lib/layers/index.js';
import * as ops from '../../lib/ops/index.js';
import { checkForward, checkGradient, sample } from '../support/check-op.js';

const input = (shape: Shape): Tensor => source(new MemorySlot('x', 4 * shape.reduce((n, k) => n * k, 1)), 0, shape);

/** Shape, kernel, options and the output's shape by PyTorch's formula. */
const cases: readonly (readonly [Shape, ops.Pair, ops.PoolOptions, Shape])[] = [
  [[2, 4, 6, 3], 2, {}, [2, 2, 3, 3]],
  [[1, 7, 6, 2], [3, 2], { stride: 2, padding: 1 }, [1, 4, 4, 2]],
  [[1, 5, 5, 1], 3, { stride: 2, ceilMode: true }, [1, 2, 2, 1]],
  [[1, 6, 6, 1], 3, { stride: 2, ceilMode: true }, [1, 3, 3, 1]],
  [[1, 4, 4, 17], 3, { stride: 3, padding: 1, ceilMode: true }, [1, 2, 2, 17]],
  [[1, 3, 3, 2], 3, { stride: 1, padding: [1, 0] }, [1, 3, 1, 2]],
  [[1, 1, 15, 2], 2, { ceilMode: true }, [1, 1, 8, 2]],
  [[1, 2, 3, 1], [4, 2], { stride: [3, 2], padding: 1, ceilMode: true }, [1, 1, 2, 1]],
];

for (const [shape, kernel, options, expected] of cases) {
  const what = `${JSON.stringify(kernel)} ${JSON.stringify(options)} of [${shape.join()}]`;
  describe(`pooling ${what}`, () => {
    const max = (x: Tensor): Tensor => ops.maxPool2d(x, kernel, options);
    it('has the shape', () => {
      assert.deepEqual([...max(input(shape)).shape], [...expected]);
      assert.deepEqual([...ops.avgPool2d(input(shape), kernel, options).shape], [...expected]);
    });
    it('takes the maximum', () => checkForward(max, [sample(shape)], 0));
    it('has the gradients of the maximum', () => checkGradient((x) => ops.square(max(x)), [sample(shape)], 2));
    for (const countPadding of [true, false]) {
      const mean = (x: Tensor): Tensor => ops.avgPool2d(x, kernel, { ...options, countPadding });
      it(`takes the mean, countPadding ${countPadding}`, () => checkForward(mean, [sample(shape)], 10));
      it(`has the gradients of the mean, countPadding ${countPadding}`, () => checkGradient(mean, [sample(shape)], 2));
    }
  });
}

describe('pooling', () => {
  it('sends the gradient to the first of equal maxima', () => {
    const slopes = compile((x: Tensor) => gradients(ops.sum(ops.maxPool2d(x, 2)), [x])[0]!);
    assert.deepEqual([...slopes.sync(array(new Float32Array([1, 2, 2, 2]), [1, 2, 2, 1])).data], [0, 1, 0, 0]);
  });

  it('lets NaN win', () => {
    const y = compile((x: Tensor) => ops.maxPool2d(x, 2)).sync(array(new Float32Array([1, NaN, 3, 4]), [1, 2, 2, 1]));
    assert.ok(Number.isNaN(y.data[0]));
  });

  it('takes bytes', () => {
    const y = compile((x: Tensor) => ops.avgPool2d(x, 2)).sync(array(new Uint8Array([1, 2, 3, 250]), [1, 2, 2, 1]));
    assert.deepEqual([...y.data], [64]);
  });

  const wrong: readonly (readonly [() => unknown, string])[] = [
    [() => ops.maxPool2d(input([4, 4]), 2), 'maxPool2d: expected x of rank 4 [N, H, W, C], got [4, 4]. Reshape it; an image of one channel has C = 1.'],
    [() => ops.avgPool2d(input([1, 4, 4, 1]), 5), 'avgPool2d: expected a kernel that fits the padded height of x, got 5 > 4 + 2 · 0 = 4. Make the kernel smaller or x larger.'],
    [() => ops.maxPool2d(input([1, 2, 4, 1]), [4, 2], { stride: 2, ceilMode: true }), 'maxPool2d: expected a kernel that fits the padded height of x, got 4 > 2 + 2 · 0 = 2. Make the kernel smaller or x larger.'],
    [() => ops.maxPool2d(input([1, 4, 2, 1]), [2, 3]), 'maxPool2d: expected a kernel that fits the padded width of x, got 3 > 2 + 2 · 0 = 2. Make the kernel smaller or x larger.'],
    [() => ops.maxPool2d(input([1, 4, 4, 1]), 2, { padding: 2 }), 'maxPool2d: expected a padding of at most half the kernel of height 2, got 2. Pad x before.'],
    [() => ops.maxPool2d(input([1, 3, 3, 1]), [5, 2147483647], { stride: 1, padding: [2, 2 ** 30 - 1] }), 'maxPool2d: expected a kernel of fewer than 2³¹ taps, got 5 · 2147483647. Make it smaller.'],
    [() => new MaxPool2d(0), 'MaxPool2d: expected a whole number ≥ 1 or a list of 2, each a whole number ≥ 1 for kernelSize, got 0.'],
    // @ts-expect-error unknown option
    [() => new MaxPool2d(2, { countPadding: true }), 'MaxPool2d: expected options among stride, padding, ceilMode, got countPadding.'],
    [() => new AvgPool2d(2, { stride: 0 }), 'AvgPool2d: expected a whole number ≥ 1 or a list of 2, each a whole number ≥ 1 for stride, got 0.'],
    [() => new AvgPool2d(3).forward(input([1, 2, 2, 1])), 'AvgPool2d: expected a kernel that fits the padded height of x, got 3 > 2 + 2 · 0 = 2. Make the kernel smaller or x larger.'],
    [() => new GlobalAvgPool2d().forward(input([2, 3])), 'GlobalAvgPool2d: expected x of rank 4 [N, H, W, C], got [2, 3]. Reshape it; an image of one channel has C = 1.'],
  ]; // prettier-ignore
  for (const [make, message] of wrong) it(message, () => assert.throws(make, { message }));

  it('is a layer', () => {
    assert.deepEqual([...new MaxPool2d(2).forward(input([2, 4, 6, 3])).shape], [2, 2, 3, 3]);
    assert.deepEqual([...new AvgPool2d(2).forward(input([2, 4, 6, 3])).shape], [2, 2, 3, 3]);
    assert.deepEqual([...new GlobalAvgPool2d().forward(input([2, 4, 6, 3])).shape], [2, 3]);
  });

  it('has the mean of each channel as global average', () => {
    checkForward((x: Tensor) => new GlobalAvgPool2d().forward(x), [sample([2, 3, 4, 5])], 13);
  });

  it('takes the mean of large windows to few digits less than of small ones', () => {
    for (const [h, w] of [
      [1024, 1024],
      [1, 300_000],
    ] as const) {
      const x = array(new Float32Array(h * w).fill(0.1), [1, h, w, 1]);
      const y = compile((t: Tensor) => [ops.avgPool2d(t, [h, w]), new AdaptiveAvgPool2d(1).forward(t)]).sync(x);
      // Half a unit of the last place for each of 512 terms and of the sums of so many.
      for (const { data } of y) assert.ok(Math.abs(data[0]! / Math.fround(0.1) - 1) <= (512 + (h * w) / 512 + 1) * 2 ** -24);
    }
  });

  it('has a gradient of a gradient through overlapping maxima, computed by the addon', async () => {
    const w = constant(sample([3, 3, 2, 4], 3).data, [3, 3, 2, 4]);
    const critic = (x: Tensor): Tensor => ops.sum(ops.tanh(ops.conv2d(ops.maxPool2d(x, 3, { stride: 1, padding: 1 }), w)));
    // Far enough from each other for every step of the differences to leave the maxima where they are.
    const x = array(Float32Array.from({ length: 120 }, (_, i) => ((i * 47) % 120) / 60 - 1), [2, 5, 6, 2]); // prettier-ignore
    const { passed, inputs } = await gradcheck((x: Tensor) => gradients(critic(x), [x])[0]!, [x], { step: 1 / 256 });
    assert.ok(passed, JSON.stringify(inputs));
  });

  it('has the gradient of a gradient penalty over conv2d, relu and pooling', () => {
    const [w, v] = [sample([3, 3, 2, 4], 3), sample([2, 2, 4, 1], 6)].map(({ data, shape }) => constant(data, shape)) as [Tensor, Tensor];
    const critic = (x: Tensor): Tensor => ops.sum(ops.tanh(ops.conv2d(ops.maxPool2d(ops.relu(ops.conv2d(x, w)), 2), v)));
    const penalty = (x: Tensor): Tensor => ops.sum(ops.square(gradients(critic(x), [x])[0]!));
    checkForward((x) => gradients(penalty(x), [x])[0]!, [sample([2, 8, 8, 2], 4, -0.5, 0.5)], 64);
  });
});
