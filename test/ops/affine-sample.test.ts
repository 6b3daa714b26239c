import assert from 'node:assert/strict';
import { type NdArray, type Tensor, affineSample, array, compile, gradients, mul, stopGradient, sum } from '../../lib/index.js';
import { bilinear, each, images } from '../support/images.js';

/**
 * |x| ≤ 1 and coordinates below 2⁴ in sums of three products: each is off by at most 3 · 2⁴ · 2⁻²³, and a value changes by at most
 * 1 for each pixel of either coordinate; the three interpolations add 6 roundings of numbers below 2.
 */
const tolerance = 2 * 3 * 2 ** -19 + 6 * 2 ** -23;

describe('affineSample', () => {
  const maps = array([
    [1, 0, 0, 0, 1, 0],
    [0.8, -0.6, 1.25, 0.6, 0.8, -1.5],
    [0, 1, 0, -1, 0, 3],
    [2, 0, -0.5, 0, 2, 0.25],
  ]);
  for (const dtype of ['float32', 'uint8'] as const) {
    for (const c of [1, 3]) {
      it(`reads ${dtype} images of ${c} channels under the map of each`, () => {
        const x = images([4, 5, 7, c], dtype);
        const y = compile((u: Tensor, t: Tensor) => affineSample(u, t, { height: 6, width: 4 })).sync(x, maps);
        assert.deepEqual([...y.shape], [4, 6, 4, c]);
        const t = (n: number, k: number): number => maps.data[6 * n + k]!;
        const expected = each(y.shape, (n, i, j, k) =>
          bilinear(x, n, t(n, 0) * i + t(n, 1) * j + t(n, 2), t(n, 3) * i + t(n, 4) * j + t(n, 5), k),
        );
        const scale = dtype === 'uint8' ? 255 : 1;
        expected.forEach((e, at) => assert.ok(Math.abs(y.data[at]! - e) <= scale * tolerance, `${y.data[at]} instead of ${e} at ${at}`));
      });
    }
  }
  it('gives fill outside', () => {
    const far = array([[1, 0, 100, 0, 1, 0]]);
    const y = compile((u: Tensor, t: Tensor) => affineSample(u, t, { fill: 7 })).sync(images([1, 2, 2, 1]), far);
    assert.deepEqual([...y.data], [7, 7, 7, 7]);
  });
  it('has no gradient, and stopGradient() says so where that is meant', () => {
    const of = (x: (t: Tensor) => Tensor) => (): unknown =>
      compile((u: Tensor, t: Tensor) => gradients(sum(mul(affineSample(x(u), x(t)), 3)), [u, t])).sync(images([1, 2, 2, 1]), identity);
    assert.throws(of((t) => t), { name: 'StateError', message: /affineSample: expected a differentiable operation/ }); // prettier-ignore
    const [du, dt] = of(stopGradient)() as readonly NdArray[];
    assert.deepEqual([...du!.data, ...dt!.data], new Array(10).fill(0));
  });

  const identity = array([[1, 0, 0, 0, 1, 0]]);
  const wrong: readonly (readonly [() => unknown, string, RegExp])[] = [
    [() => compile((u: Tensor, t: Tensor) => affineSample(u, t)).sync(images([1, 4]), identity), 'ShapeError', /images x \[N, H, W, C\], got \[1, 4\]/],
    [() => compile((u: Tensor, t: Tensor) => affineSample(u, t)).sync(images([2, 2, 2, 1]), identity), 'ShapeError', /theta of shape \[2, 6\].*got \[1, 6\]/],
    [() => compile((u: Tensor, t: Tensor) => affineSample(u, t)).sync(array(Int32Array.of(1), [1, 1, 1, 1]), identity), 'DTypeError', /float32 or uint8 images, got int32/],
    [() => compile((u: Tensor, t: Tensor) => affineSample(u, t)).sync(images([1, 2, 2, 1]), array(new Int32Array(6), [1, 6])), 'DTypeError', /float32 theta, got int32/],
    [() => compile((u: Tensor, t: Tensor) => affineSample(u, t, { height: 0 })).sync(images([1, 2, 2, 1]), identity), 'OptionError', /whole number ≥ 1 for height, got 0/],
  ]; // prettier-ignore
  for (const [run, name, message] of wrong) it(message.source, () => assert.throws(run, { name, message }));
});
