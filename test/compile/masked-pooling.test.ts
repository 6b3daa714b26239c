import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { build } from '../../lib/compile/program.js';
import { gradients } from '../../lib/graph/gradients.js';
import { MemorySlot, source } from '../../lib/graph/source.js';
import { sizeOf } from '../../lib/graph/shape.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { less, maxPool2d, mul, relu, reshape, square, sum, where } from '../../lib/ops/index.js';
import { outputs } from '../support/programs.js';
import { generator, randomValues } from '../support/random-graph.js';

/** The gradient of max pooling for `x`. */
function gradient(x: Tensor, options: { stride?: number } = {}): Tensor {
  const pooled = maxPool2d(x, 2, options);
  return gradients(sum(square(pooled)), [x])[0]!;
}

/** How many elements each map compares. */
function compared(result: Tensor): readonly number[] {
  const { instructions } = build(outputs([result]));
  assert.equal(instructions.filter(({ kind }) => kind === 'maxPoolBackward').length, 1);
  return instructions.flatMap((i) => (i.kind === 'map' && i.steps.some(({ op }) => op === 'less') ? [sizeOf(i.dims)] : []));
}

describe('a mask of the gradient of max pooling', () => {
  const pixels = relu(source(new MemorySlot('x', 384), 0, [1, 6, 8, 2]));
  it('by the sign of the pooled image becomes one of its fewer results', () => {
    assert.deepEqual(compared(mul(gradient(pixels), less(0, pixels))), [24]);
    assert.deepEqual(compared(mul(less(0, pixels), gradient(pixels, { stride: 1 }))), [70]);
  });
  it('is left where it compares with another number or another image', () => {
    assert.deepEqual(compared(mul(gradient(pixels), less(1, pixels))), [96]);
    assert.deepEqual(compared(mul(gradient(pixels), less(pixels, 0))), [96]);
    assert.deepEqual(compared(mul(gradient(pixels), less(0, square(pixels)))), [96]);
  });
  it('is left where each of its pixels meets all of the gradient', () => {
    assert.deepEqual(compared(mul(reshape(gradient(pixels), [96, 1]), less(0, reshape(pixels, [96])))), [96]);
  });
  for (const stride of [1, 2, 3])
    it(`gives the same bits, stride ${stride}`, () => {
      const f = compile((x: Tensor) => {
        const dx = gradient(relu(x), { stride });
        return [
          mul(dx, less(0, relu(x))),
          mul(dx, where(less(0, x), 1, 0)),
          gradients(sum(square(maxPool2d(relu(x), 2, { stride }))), [x])[0]!,
        ] as const;
      });
      const values = Float32Array.from(randomValues(2 * 7 * 7 * 3, generator(5)));
      values[20] = NaN;
      values.fill(0, 40, 80);
      const [rewritten, plain, trained] = f.sync(array(values, [2, 7, 7, 3]));
      assert.ok(plain.data.some((x) => x > 0));
      assert.deepEqual(rewritten.data, plain.data);
      assert.deepEqual(trained.data, plain.data);
    });
});
