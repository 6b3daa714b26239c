import assert from 'node:assert/strict';
import {
  type Augmentation,
  type NdArray,
  type Tensor,
  Conv2d,
  MSELoss,
  SGD,
  Sequential,
  Trainer,
  affineSample,
  array,
  compile,
  gradients,
  mul,
  randomFlip,
  randomShift,
  stopGradient,
  sum,
} from '../../lib/index.js';
import { augment, bilinear, each, images } from '../support/images.js';

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
  it('keeps what is not finite to itself under maps of whole pixels', () => {
    const values = [NaN, 1, 2, 3, Infinity, 5, 6, NaN, 8, -Infinity, 10, 11];
    const of = (c: number): NdArray =>
      array(
        Float32Array.from({ length: 12 * c }, (_, at) => values[Math.floor(at / c)]!),
        [1, 3, 4, c],
      );
    const flip = [0, 1, 2].flatMap((i) => [3, 2, 1, 0].map((j) => values[4 * i + j]!));
    const shifted = [7, 7, 7, 7, 7, ...values.slice(0, 3), 7, ...values.slice(4, 7)];
    for (const c of [1, 3]) {
      for (const [map, expected] of [
        [[1, 0, 0, 0, 1, 0], values],
        [[1, 0, 0, 0, -1, 3], flip],
        [[1, 0, -1, 0, 1, -1], shifted],
      ] as const) {
        const y = compile((u: Tensor, t: Tensor) => affineSample(u, t, { fill: 7 })).sync(of(c), array([[...map]]));
        assert.deepEqual(
          [...y.data],
          expected.flatMap((value) => new Array<number>(c).fill(value)),
          `${c}: ${map.join()}`,
        );
      }
    }
  });
  it('moves missing targets of pixels with their images', async () => {
    const x = images([8, 6, 6, 1]);
    const y = array(
      Float32Array.from(x.data, (value, at) => (at % 3 === 0 ? NaN : value)),
      x.shape,
    );
    const missing = (t: NdArray): number => [...t.data].filter(Number.isNaN).length;
    const [flipped] = augment([randomFlip()], x, y);
    flipped!.y.data.forEach((value, at) => assert.ok(Number.isNaN(value) || value === flipped!.x.data[at]));
    assert.equal(missing(flipped!.y), missing(y));
    const [shifted] = augment([randomShift(2)], x, y);
    shifted!.y.data.forEach((value, at) => assert.ok(Number.isNaN(value) || value === shifted!.x.data[at]));
    assert.ok(missing(shifted!.y) <= missing(y));

    const loss = async (augment: readonly Augmentation[]): Promise<number> => {
      const model = new Sequential([new Conv2d(1, 1)], { seed: 1 });
      const trainer = new Trainer(model, { loss: new MSELoss({ ignoreNaN: true }), optimizer: new SGD({ lr: 0 }) });
      return (await trainer.fit({ x, y }, { batchSize: 8, augment })).epochs[0]!.loss;
    };
    // The same squares in another order: 192 of them.
    const plain = await loss([]);
    assert.ok(Math.abs((await loss([randomFlip()])) - plain) <= 192 * 2 ** -24 * plain);
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
