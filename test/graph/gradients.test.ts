import assert from 'node:assert/strict';
import { gradients } from '../../lib/graph/gradients.js';
import { label } from '../../lib/graph/label.js';
import { MemorySlot, source } from '../../lib/graph/source.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';
import { checkGradient, sample } from '../support/check-op.js';
import { evaluate, memoryOf } from '../support/evaluate.js';

const slot = new MemorySlot('x', 24);
const x = source(slot, 0, [2, 3]);
const memories = new Map([[slot, memoryOf([1, 2, 3, 4, 5, 6])]]);
const value = (t: Tensor): readonly number[] => [...evaluate([t], memories)[0]!];

describe('gradients', () => {
  it('are zero where nothing depends on x', () => {
    const [dx] = gradients(ops.sum(ops.full([2], 1)), [x]);
    assert.deepEqual(value(dx!), [0, 0, 0, 0, 0, 0]);
  });
  it('of x itself are one', () => assert.deepEqual(value(gradients(x, [x], ops.full([2, 3], 1))[0]!), [1, 1, 1, 1, 1, 1]));
  it('start from dy', () => assert.deepEqual(value(gradients(ops.square(x), [x], x)[0]!), [2, 8, 18, 32, 50, 72]));
  it('are float32, and read a dy of whole numbers as it', () => {
    for (const dtype of ['int32', 'uint8'] as const) {
      for (const f of [(t: Tensor) => ops.softmax(t), (t: Tensor) => ops.add(t, 1), (t: Tensor) => t]) {
        const ofWhole = gradients(f(x), [x], ops.cast(x, dtype))[0]!;
        assert.equal(ofWhole.dtype, 'float32');
        assert.deepEqual(value(ofWhole), value(gradients(f(x), [x], x)[0]!));
      }
    }
  });
  it('read whole numbers from a custom backward as float32', () => {
    for (const dtype of ['int32', 'uint8'] as const) {
      const y = ops.customGradient(ops.square(x), [x], () => [ops.cast(x, dtype)]);
      const [dx] = gradients(ops.sum(y), [x]) as [Tensor];
      assert.deepEqual([dx.dtype, value(dx)], ['float32', [1, 2, 3, 4, 5, 6]]);
    }
  });
  it('with respect to a value in between', () => {
    const h = ops.mul(x, 3);
    const [dh, dx] = gradients(ops.sum(ops.square(h)), [h, x]);
    assert.deepEqual(value(dh!), [6, 12, 18, 24, 30, 36]);
    assert.deepEqual(value(dx!), [18, 36, 54, 72, 90, 108]);
  });
  it('add up over every use', () => checkGradient((t) => ops.add(ops.mul(t, t), ops.mul(ops.sin(t), ops.exp(t))), [sample([2, 3])], 2));
  it('of a deep graph need no deep stack', () => {
    let h: Tensor = x;
    for (let i = 0; i < 20000; i++) h = ops.neg(h);
    assert.deepEqual(value(gradients(ops.sum(h), [x])[0]!), [1, 1, 1, 1, 1, 1]);
  });
  it('carry the label of their layer, and leave other labels alone', () => {
    const [y, z] = [ops.exp(x), ops.exp(x)];
    label([y], 'layer');
    const dy = gradients(ops.sum(y), [x])[0]!;
    const dz = gradients(ops.sum(z), [x])[0]!;
    assert.deepEqual([dy.node.label, y.node.label, dz.node.label, z.node.label], ['layer (backward)', 'layer', '', '']);
  });
  it('refuse what is no scalar, and a dy of another shape', () => {
    assert.throws(() => gradients(x, [x]), { name: 'StateError', message: /expected a scalar y, got \[2, 3\]/ });
    assert.throws(() => gradients(x, [x], ops.full([3], 1)), {
      name: 'ShapeError',
      message: /expected dy of the shape of y \[2, 3\], got \[3\]/,
    });
  });
});
