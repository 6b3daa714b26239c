import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { BCEWithLogitsLoss } from '../../lib/losses/index.js';
import { full, mul, softplus, sub, sum } from '../../lib/ops/index.js';
import assert from 'node:assert/strict';
import { assertGradients, awayFromZero } from '../support/layer.js';

/** d²(Σ f(x)) / dx² at some x. */
function second(f: (x: Tensor) => Tensor, x: readonly number[]): readonly number[] {
  const gradient = (of: Tensor, x: Tensor): Tensor => gradients(sum(of), [x])[0]!;
  const compiled = compile((x: Tensor) => gradient(gradient(f(x), x), x));
  return [...compiled.sync(array(x)).data];
}

describe('second derivatives where a formula bends', () => {
  it('softplus far from 0: e^−|x|, on both sides alike', () => {
    for (const value of second(softplus, [30, -30])) assert.ok(Math.abs(value / Math.exp(-30) - 1) < 1e-6, `${value}`);
  });
  it('softplus at 0: β / 4', () =>
    assert.deepEqual(
      second((x) => softplus(x, 3), [0]),
      [0.75],
    ));
  for (const posWeight of [1, 2]) {
    // (1 − y + posWeight · y) · σ(x) (1 − σ(x))
    it(`binary cross-entropy at logit 0, posWeight ${posWeight}`, () => {
      const loss = new BCEWithLogitsLoss({ reduction: 'sum', posWeight });
      for (const y of [0, 1, 0.5])
        assert.deepEqual(
          second((x) => loss.forward(x, full([1], y)), [0]),
          [(1 - y + posWeight * y) / 4],
        );
    });
  }
  it('binary cross-entropy by logits and targets', () =>
    assertGradients(
      (x, y) => {
        const [dx, dy] = gradients(new BCEWithLogitsLoss({ posWeight: [0.5, 1, 3] }).forward(x, y), [x, y]);
        return sum(mul(dx!, sub(mul(dy!, 2), x)));
      },
      [awayFromZero([4, 3], 0.3, 5), awayFromZero([4, 3], 0.3, 6)],
    ));
});

describe('gradients far from 0', () => {
  it('binary cross-entropy of what is right beyond doubt is as small as it is, not 0', () => {
    const f = compile((x: Tensor, y: Tensor) => gradients(new BCEWithLogitsLoss({ reduction: 'sum' }).forward(x, y), [x])[0]!);
    const [up, down] = f.sync(array([30, -30]), array([1, 0])).data;
    assert.ok(Math.abs(down! / Math.exp(-30) - 1) < 1e-5 && Math.abs(up! / Math.exp(-30) + 1) < 1e-5, `${up} ${down}`);
  });
});
