/** Losses of numbers against float64, far from 0 and at bends. */
import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { leastFloat } from '../../lib/floats.js';
import { BCEWithLogitsLoss, HuberLoss } from '../../lib/losses/index.js';
import type { ElementwiseLoss } from '../../lib/losses/elementwise-loss.js';
import { sum } from '../../lib/ops/index.js';

/** The losses of single elements, their first and second derivatives. */
function derivatives(loss: ElementwiseLoss, x: readonly number[], y: readonly number[]): readonly (readonly number[])[] {
  const f = compile((a: Tensor, b: Tensor) => {
    const losses = loss.losses(a, b);
    const first = gradients(sum(losses), [a])[0]!;
    return [losses, first, gradients(sum(first), [a])[0]!] as const;
  });
  return f.sync(array(x), array(y)).map(({ data }) => [...data]);
}

function assertNear(actual: number, expected: number, bound: number, what: string): void {
  assert.ok(Object.is(actual, expected) || Math.abs(actual - expected) <= bound, `${what}: ${actual}, expected ${expected}`);
}

const eps = 2 ** -24;
/** exp and log1p 2 each, quotient and products. */
const ulps = 16;

describe('BCEWithLogitsLoss', () => {
  const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const sigmoid = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
  const xs = Array.from({ length: 801 }, (_, i) => Math.fround((i - 400) / 4.7));
  const weights: readonly (number | number[])[] = [1, 0.25, 3, xs.map((_, i) => i % 5)];
  for (const posWeight of weights) {
    for (const y of [0, 0.3, 1]) {
      it(`keeps its digits for y = ${y}, posWeight = ${Array.isArray(posWeight) ? 'a list' : posWeight}`, () => {
        const target = Math.fround(y);
        const [values, slopes, bends] = derivatives(new BCEWithLogitsLoss({ posWeight }), xs, xs.map(() => y)); // prettier-ignore
        xs.forEach((x, i) => {
          const weight = Array.isArray(posWeight) ? posWeight[i]! : posWeight;
          const sumOf = (f: (x: number) => number): readonly [number, number] => [(1 - target) * f(x), weight * target * f(-x)];
          const near = (actual: number, [a, b]: readonly [number, number], what: string): void =>
            // Where both parts are of one size, so is their rounding.
            assertNear(actual, a + b, ulps * eps * (Math.abs(a) + Math.abs(b)) + leastFloat, `${what}(${x})`);
          near(values![i]!, sumOf(softplus), 'ℓ');
          const [up, down] = sumOf(sigmoid);
          near(slopes![i]!, [up, -down], 'ℓ′');
          near(bends![i]!, sumOf((z) => sigmoid(z) * sigmoid(-z)), 'ℓ″'); // prettier-ignore
        });
      });
    }
  }
  it('is one map', () => {
    const f = compile((x: Tensor, y: Tensor) => {
      const losses = new BCEWithLogitsLoss({ posWeight: 2 }).losses(x, y);
      return [losses, gradients(sum(losses), [x])[0]!] as const;
    });
    assert.match(f.describe(array([1, 2]), array([0, 1])), /\n1 instructions, 0 bytes of arena/);
  });
});

describe('HuberLoss', () => {
  for (const delta of [1, 0.5, 3]) {
    it(`has the slope of the error, up to ±${delta}, however large it is`, () => {
      const smooth = [0, 1e-30, 1e-9, 0.1, delta / 2, delta];
      const linear = [delta * (1 + 2 ** -20), 2 * delta, 1e10, 1.8e38, 3e38, Infinity];
      const ds = [...smooth, ...linear].flatMap((d) => [Math.fround(d), -Math.fround(d)]);
      const [values, slopes, bends] = derivatives(new HuberLoss({ delta }), ds, ds.map(() => 0)); // prettier-ignore
      ds.forEach((d, i) => {
        const size = Math.abs(d);
        const expected = size <= delta ? d ** 2 / 2 : delta * (size - delta / 2);
        assertNear(values![i]!, Math.fround(expected), 4 * eps * expected + leastFloat, `ℓ(${d})`);
        assert.equal(slopes![i]! + 0, d === 0 ? 0 : Math.sign(d) * Math.min(size, delta), `ℓ′(${d})`);
        if (size !== delta) assert.equal(bends![i], size < delta ? 1 : 0, `ℓ″(${d})`);
      });
    });
  }
});
