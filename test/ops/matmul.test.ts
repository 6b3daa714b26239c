import assert from 'node:assert/strict';
import { compile } from '../../lib/compile/compile.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';
import { checkForward, checkGradient, sample } from '../support/check-op.js';

const cases = [
  [[3, 4], [4, 5], {}],
  [[4], [4, 5], {}],
  [[2, 3, 4], [4, 5], {}],
  [[2, 3, 4], [2, 4, 5], {}],
  [[2, 3, 4], [1, 4, 5], {}],
  [[3, 1, 2, 4], [2, 4, 2], {}],
  [[4, 3], [4, 5], { transposeA: true }],
  [[3, 4], [5, 4], { transposeB: true }],
  [[2, 4, 3], [2, 5, 4], { transposeA: true, transposeB: true }],
  [[1, 1], [1, 1], {}],
] as const;

describe('matmul', () => {
  for (const [a, b, options] of cases) {
    const inputs = [sample(a, 1), sample(b, 2)];
    const text = `[${a.join()}] · [${b.join()}] ${JSON.stringify(options)}`;
    it(`${text}: values`, () => checkForward((x, y) => ops.matmul(x, y, options), inputs, 8));
    it(`${text}: first and second gradient`, () => checkGradient((x, y) => ops.matmul(x, y, options), inputs, 2));
  }
  for (const [name, act] of Object.entries({ relu: ops.relu, sigmoid: ops.sigmoid, tanh: ops.tanh })) {
    const inputs = [sample([2, 3, 4], 1), sample([4, 5], 2), sample([5], 3)];
    it(`with bias and ${name} is one instruction`, () => {
      checkForward((x, w, b) => act(ops.add(ops.matmul(x, w), b)), inputs, 8);
      assert.match(
        compile((x: Tensor, w: Tensor, b: Tensor) => act(ops.add(b, ops.matmul(x, w)))).describe([2, 3, 4], [4, 5], [5]),
        /\n1 instructions/,
      );
    });
    it(`with bias and ${name}: gradient`, () => checkGradient((x, w, b) => act(ops.add(ops.matmul(x, w), b)), inputs));
  }
  it('reads transposed and sliced operands through strides', () => {
    const f = (x: Tensor, y: Tensor): Tensor => ops.matmul(ops.transpose(x), ops.slice(y, [1, 0], [3, 5]));
    checkForward((x, y) => f(x, y), [sample([3, 4]), sample([4, 6])], 8);
    assert.match(compile(f).describe([3, 4], [4, 6]), /\n1 instructions/);
  });
  const different = [
    [[2, 3], [4, 5], {}, '[2, 3] · [4, 5] (3 and 4)'],
    [[3], [4, 5], {}, '[3] · [4, 5] (3 and 4)'],
    [[2, 3], [4, 5], { transposeA: true, transposeB: true }, '[2, 3]ᵀ · [4, 5]ᵀ (2 and 5)'],
    [[6, 1, 2, 3], [7, 4, 5], { transposeB: true }, '[6, 1, 2, 3] · [7, 4, 5]ᵀ (3 and 5)'],
  ] as const;
  for (const [a, b, options, got] of different) {
    const message = `matmul: expected inner sizes that agree, got ${got}.`;
    it(message, () => assert.throws(() => ops.matmul(ops.full(a, 1), ops.full(b, 1), options), { name: 'ShapeError', message }));
  }
  it('names leading sizes that do not broadcast', () =>
    assert.throws(() => ops.matmul(ops.full([2, 4, 5], 1), ops.full([3, 5, 6], 1)), {
      name: 'ShapeError',
      message:
        'matmul (all but the last two dimensions): expected shapes that broadcast (trailing sizes equal or 1), got [2] and [3]. Reshape or transpose one of them.',
    }));
});
