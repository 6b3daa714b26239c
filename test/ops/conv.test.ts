import assert from 'node:assert/strict';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import { MemorySlot, source } from '../../lib/graph/source.js';
import type { Shape } from '../../lib/graph/shape.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';
import { type Fn, checkForward, checkGradient, sample } from '../support/check-op.js';
import { memoryOf } from '../support/evaluate.js';
import { checkProgram, outputs } from '../support/programs.js';
import { generator, randomValues } from '../support/random-graph.js';

const input = (shape: Shape): Tensor => source(new MemorySlot('x', 4 * shape.reduce((n, k) => n * k, 1)), 0, shape);

const conv2dCases: readonly (readonly [Shape, Shape, ops.Conv2dGeometry, Shape])[] = [
  [[2, 4, 5, 2], [3, 3, 2, 3], {}, [2, 2, 3, 3]],
  [[1, 4, 5, 2], [3, 2, 2, 2], { stride: 2, padding: 1 }, [1, 2, 3, 2]],
  [[1, 5, 4, 4], [2, 2, 2, 6], { groups: 2, dilation: [2, 1] }, [1, 3, 3, 6]],
  [[1, 4, 4, 3], [3, 3, 1, 6], { groups: 3, padding: 'same' }, [1, 4, 4, 6]],
  [[1, 5, 4, 1], [2, 3, 1, 2], { stride: [2, 3], padding: 'same' }, [1, 3, 2, 2]],
  [[1, 5, 5, 1], [3, 3, 1, 2], { padding: 'valid' }, [1, 3, 3, 2]],
  [[1, 3, 3, 2], [1, 1, 2, 2], { stride: 2, padding: [2, 1] }, [1, 4, 3, 2]],
];

const conv1dCases: readonly (readonly [Shape, Shape, ops.Conv1dGeometry, Shape])[] = [
  [[2, 6, 2], [3, 2, 3], {}, [2, 4, 3]],
  [[1, 7, 4], [2, 2, 4], { stride: 2, padding: 1, dilation: 2, groups: 2 }, [1, 4, 4]],
  [[1, 5, 1], [4, 1, 2], { padding: 'same' }, [1, 5, 2]],
  [[2, 7, 2], [2, 2, 3], { padding: 'causal', stride: 2, dilation: 3 }, [2, 4, 3]],
];

const transposeCases: readonly (readonly [Shape, Shape, ops.ConvTranspose2dGeometry, Shape])[] = [
  [[2, 2, 3, 2], [3, 2, 3, 2], {}, [2, 4, 4, 3]],
  [[1, 2, 3, 2], [3, 3, 2, 2], { stride: 2, padding: 1, outputPadding: [1, 0] }, [1, 4, 5, 2]],
  [[1, 3, 2, 4], [2, 2, 3, 4], { stride: [1, 3], dilation: 2, groups: 2 }, [1, 5, 6, 6]],
];

function checkOp(name: string, fn: Fn, x: Shape, w: Shape, y: Shape): void {
  const inputs = [sample(x, 1), sample(w, 2), sample([y.at(-1)!], 3)];
  // No more products meet in one element than the kernel has weights or the output pixels.
  const products = Math.max(w.reduce((n, k) => n * k, 1), y.reduce((n, k) => n * k, 1)); // prettier-ignore
  it(`${name}: shape`, () => assert.deepEqual([...fn(input(x), input(w), input([y.at(-1)!])).shape], [...y]));
  it(`${name}: values`, () => checkForward(fn, inputs, products));
  it(`${name}: first and second gradient`, () => checkGradient(fn, inputs, 2));
  it(`${name}: values of the gradients`, () => {
    for (const i of [0, 1])
      checkForward((...xs) => gradients(ops.sum(ops.square(fn(...xs))), [xs[i]!])[0]!, inputs, 2 * products); // prettier-ignore
  });
}

describe('convolutions', () => {
  for (const [x, w, options, y] of conv2dCases)
    checkOp(`conv2d [${x.join()}] ∗ [${w.join()}] ${JSON.stringify(options)}`, (x, w, bias) => ops.conv2d(x, w, { ...options, bias }), x, w, y); // prettier-ignore
  for (const [x, w, options, y] of conv1dCases)
    checkOp(`conv1d [${x.join()}] ∗ [${w.join()}] ${JSON.stringify(options)}`, (x, w, bias) => ops.conv1d(x, w, { ...options, bias }), x, w, y); // prettier-ignore
  for (const [x, w, options, y] of transposeCases)
    checkOp(`convTranspose2d [${x.join()}] ∗ [${w.join()}] ${JSON.stringify(options)}`, (x, w, bias) => ops.convTranspose2d(x, w, { ...options, bias }), x, w, y); // prettier-ignore
  it('take bytes', () => assert.equal(ops.conv2d(ops.cast(input([1, 3, 3, 1]), 'uint8'), input([3, 3, 1, 1])).dtype, 'float32'));
  it('of no images give none', () => {
    const f = compile((x: Tensor, w: Tensor) => gradients(ops.sum(ops.conv2d(x, w)), [w])[0]!);
    assert.deepEqual([...f.sync(sample([0, 3, 3, 1]), sample([2, 2, 1, 1])).data], [0, 0, 0, 0]);
  });
  it('are one instruction each way, and one more to add up the parts of a small weight gradient', () => {
    const gradient = compile((x: Tensor, w: Tensor) => {
      const y = ops.conv2d(x, w, { padding: 1 });
      return gradients(y, [x, w], y);
    });
    assert.match(gradient.describe([1, 8, 8, 4], [3, 3, 4, 4]), /\n3 instructions/);
    const large = gradient.describe([8, 16, 16, 4], [3, 3, 4, 4]);
    assert.match(large, /convBackwardWeights .*→ \[4, 3, 3, 4, 4\]/);
    assert.match(large, /\n4 instructions/);
  });
  it('in parts give what the whole does', () => {
    const fn: Fn = (x, w) => gradients(ops.sum(ops.square(ops.conv2d(x, w, { padding: 1 }))), [w])[0]!;
    checkForward(fn, [sample([5, 16, 16, 2]), sample([3, 3, 2, 3])], 2 * 5 * 256);
  });
  it('keep their bits through the compiler', () => {
    const slot = new MemorySlot('state', 4096 * 4);
    const [x, w] = [source(slot, 0, [4, 16, 16, 2]), source(slot, 8192, [3, 3, 2, 3])];
    const y = ops.tanh(ops.conv2d(x, w, { stride: 1, padding: 'same' }));
    checkProgram(outputs([y, ...gradients(ops.sum(y), [x, w])]), new Map([[slot, memoryOf(randomValues(4096, generator(4)))]]));
  });
});

/** The errors: what makes them, their class, the message. */
const wrong: readonly (readonly [() => unknown, 'ShapeError' | 'OptionError', string])[] = [
  [
    () => ops.conv2d(input([2, 3, 4]), input([3, 3, 1, 1])),
    'ShapeError',
    'conv2d: expected x of rank 4 [N, H, W, C], got [2, 3, 4]. Reshape it; an image of one channel has C = 1.',
  ],
  [
    () => ops.conv1d(input([2, 3]), input([3, 1, 1])),
    'ShapeError',
    'conv1d: expected x of rank 3 [N, T, C], got [2, 3]. Reshape it; a sequence of one channel has C = 1.',
  ],
  [
    () => ops.conv2d(input([1, 3, 3, 1]), input([3, 3, 1])),
    'ShapeError',
    'conv2d: expected w of rank 4 [KH, KW, C/G, OC], none of the kernel sizes 0, got [3, 3, 1].',
  ],
  [
    () => ops.conv1d(input([1, 3, 1]), input([0, 1, 1])),
    'ShapeError',
    'conv1d: expected w of rank 3 [K, C/G, OC], none of the kernel sizes 0, got [0, 1, 1].',
  ],
  [
    () => ops.convTranspose2d(input([1, 3, 3, 1]), input([3, 1])),
    'ShapeError',
    'convTranspose2d: expected w of rank 4 [KH, KW, OC/G, C], none of the kernel sizes 0, got [3, 1].',
  ],
  [
    () => ops.conv2d(input([1, 3, 3, 4]), input([3, 3, 2, 2])),
    'ShapeError',
    'conv2d: expected w with C / groups = 4 / 1 = 4 input channels, got 2. Change w, groups or the channels of x.',
  ],
  [
    () => ops.conv2d(input([1, 3, 3, 4]), input([3, 3, 2, 6]), { groups: 3 }),
    'ShapeError',
    'conv2d: expected groups that divide the channels C of x, got 4 / 3 (remainder 1). Change groups or the channels.',
  ],
  [
    () => ops.conv2d(input([1, 3, 3, 4]), input([3, 3, 2, 3]), { groups: 2 }),
    'ShapeError',
    'conv2d: expected groups that divide the output channels OC, got 3 / 2 (remainder 1). Change groups or the channels.',
  ],
  [
    () => ops.conv2d(input([1, 4, 9, 1]), input([3, 3, 1, 1]), { padding: [1, 0], dilation: 3 }),
    'ShapeError',
    'conv2d: expected a kernel that fits the padded height of x, got 3 · (3 − 1) + 1 = 7 > 4 + 2 · 1 = 6. Make the kernel or dilation smaller, or padding or x larger.',
  ],
  [
    () => ops.conv2d(input([1, 9, 2, 1]), input([3, 3, 1, 1])),
    'ShapeError',
    'conv2d: expected a kernel that fits the padded width of x, got 1 · (3 − 1) + 1 = 3 > 2 + 2 · 0 = 2. Make the kernel or dilation smaller, or padding or x larger.',
  ],
  [
    () => ops.conv1d(input([1, 4, 1]), input([5, 1, 1])),
    'ShapeError',
    'conv1d: expected a kernel that fits the padded length of x, got 1 · (5 − 1) + 1 = 5 > 4 + 2 · 0 = 4. Make the kernel or dilation smaller, or padding or x larger.',
  ],
  [
    () => ops.conv2d(input([1, 0, 3, 1]), input([3, 3, 1, 1]), { padding: 'same' }),
    'ShapeError',
    'conv2d: expected x of height ≥ 1, got 0. Leave out examples that are empty.',
  ],
  [
    () => ops.convTranspose2d(input([2, 0, 4, 3]), input([2, 2, 1, 3]), { stride: 2 }),
    'ShapeError',
    'convTranspose2d: expected x of height ≥ 1, got 0. Leave out examples that are empty.',
  ],
  [
    () => ops.conv1d(input([2, 0, 3]), input([2, 3, 1]), { padding: 1 }),
    'ShapeError',
    'conv1d: expected x of length ≥ 1, got 0. Leave out examples that are empty.',
  ],
  [
    () => ops.conv2d(input([1, 3, 3, 1]), input([3, 3, 1, 2]), { bias: input([1]) }),
    'ShapeError',
    'conv2d: expected bias of shape [2], one element an output channel, got [1].',
  ],
  [
    () => ops.convTranspose2d(input([1, 3, 3, 2]), input([3, 3, 1, 4])),
    'ShapeError',
    'convTranspose2d: expected w with the 2 channels C of x last, got 4. Change w or the channels of x.',
  ],
  [
    () => ops.convTranspose2d(input([1, 3, 3, 3]), input([3, 3, 1, 3]), { groups: 2 }),
    'ShapeError',
    'convTranspose2d: expected groups that divide the channels C of x, got 3 / 2 (remainder 1). Change groups or the channels.',
  ],
  [
    () => ops.convTranspose2d(input([1, 1, 2, 1]), input([2, 2, 1, 1]), { padding: 1 }),
    'ShapeError',
    'convTranspose2d: expected an output of height ≥ 1, got (1 − 1) · 1 − 2 · 1 + 1 · (2 − 1) + 0 + 1 = 0. Make padding smaller or the kernel or x larger.',
  ],
  [
    () => ops.convTranspose2d(input([1, 3, 3, 1]), input([2, 2, 1, 1]), { stride: 2, outputPadding: [1, 2] }),
    'OptionError',
    'convTranspose2d: expected outputPadding below the stride 2 or the dilation 1, got 2. Make it smaller, or pad the result.',
  ],
  [
    // @ts-expect-error no tensor
    () => ops.conv2d(input([1, 3, 3, 1]), input([2, 2, 1, 1]), { bias: 3 }),
    'OptionError',
    'conv2d: expected a tensor for bias, got 3.',
  ],
  [
    // @ts-expect-error no tensor
    () => ops.convTranspose2d(input([1, 3, 3, 1]), input([2, 2, 1, 1]), { bias: [1] }),
    'OptionError',
    'convTranspose2d: expected a tensor for bias, got [ 1 ].',
  ],
  [
    () => ops.conv2d(input([1, 3, 3, 1]), input([2, 2, 1, 1]), { stride: 0 }),
    'OptionError',
    'conv2d: expected a whole number ≥ 1 or a list of 2, each a whole number ≥ 1 for stride, got 0.',
  ],
  [
    // @ts-expect-error no such choice
    () => ops.conv2d(input([1, 3, 3, 1]), input([2, 2, 1, 1]), { padding: 'full' }),
    'OptionError',
    "conv2d: expected a whole number ≥ 0 or a list of 2, each a whole number ≥ 0 or 'same' or 'valid' for padding, got 'full'.",
  ],
  [
    // @ts-expect-error one dimension
    () => ops.conv1d(input([1, 3, 1]), input([2, 1, 1]), { stride: [1, 1] }),
    'OptionError',
    'conv1d: expected a whole number ≥ 1 for stride, got [ 1, 1 ].',
  ],
  [
    // @ts-expect-error unknown option
    () => ops.conv2d(input([1, 3, 3, 1]), input([2, 2, 1, 1]), { strides: 2 }),
    'OptionError',
    'conv2d: expected options among stride, padding, dilation, groups, bias, got strides.',
  ],
];

describe('errors of convolutions', () => {
  for (const [make, name, message] of wrong) it(message, () => assert.throws(make, { name, message }));
});
