import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { sum, variance } from '../../lib/ops/index.js';
import { Philox } from '../../lib/random.js';

/** In float64. */
function referenceOf(values: Float32Array): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return values.reduce((total, v) => total + (v - mean) ** 2, 0) / values.length;
}

describe('variance of values far from zero', () => {
  for (const mean of [0, 1e3, 1e5, 1e6]) {
    for (const count of [100, 4096, 100_000]) {
      it(`${count} values about ${mean}`, () => {
        const x = new Philox(0).normal(count, mean, 1);
        const expected = referenceOf(x);
        const actual = compile((t: Tensor) => variance(t)).sync(array(x)).data[0]!;
        assert.ok(Math.abs(actual / expected - 1) < 1e-5, `${actual}, expected ${expected}`);
      });
    }
  }
  it('over columns, with gradients 2 (x − mean) / n that sum to 0', () => {
    const x = array([1e6, 3, 1e6 + 1, 5, 1e6 + 2, 10], [3, 2]);
    const f = compile((t: Tensor) => {
      const y = variance(t, { axes: 0 });
      return [y, gradients(sum(y), [t])[0]!] as const;
    });
    const [y, dx] = f.sync(x);
    assert.deepEqual(Array.from(y.data, (v) => v.toFixed(4)), ['0.6667', '8.6667']); // prettier-ignore
    assert.deepEqual(Array.from(dx.data, (v) => v.toFixed(4)), ['-0.6667', '-2.0000', '0.0000', '-0.6667', '0.6667', '2.6667']); // prettier-ignore
  });
  it('takes five instructions with its gradient', () => {
    const f = compile((t: Tensor) => {
      const y = variance(t, { axes: 1 });
      return [y, gradients(sum(y), [t])[0]!] as const;
    });
    assert.match(f.describe([64, 32]), /\n5 instructions/);
  });
});
