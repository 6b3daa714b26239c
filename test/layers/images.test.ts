import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import {
  AdaptiveAvgPool2d,
  AvgPool1d,
  Dropout2d,
  GlobalAvgPool2d,
  GlobalMaxPool2d,
  InstanceNorm,
  type Layer,
  MaxPool1d,
  Sequential,
  Upsample2d,
  type Upsample2dOptions,
} from '../../lib/layers/index.js';
import { assertGradients, awayFromZero, runLayer } from '../support/layer.js';

const ones = (...shape: number[]): NdArray => array(new Float32Array(shape.reduce((n, k) => n * k, 1)).fill(1), shape);

const wrongOptions: readonly (readonly [() => unknown, string])[] = [
  [() => new MaxPool1d(0), 'MaxPool1d: expected a whole number ≥ 1 for kernelSize, got 0.'],
  // @ts-expect-error one dimension
  [() => new AvgPool1d([2, 2]), 'AvgPool1d: expected a whole number ≥ 1 for kernelSize, got [ 2, 2 ].'],
  [() => new AvgPool1d(2, { stride: 0 }), 'AvgPool1d: expected a whole number ≥ 1 for stride, got 0.'],
  // @ts-expect-error unknown option
  [() => new MaxPool1d(2, { countPadding: true }), 'MaxPool1d: expected options among stride, padding, ceilMode, got countPadding.'],
  [() => new AdaptiveAvgPool2d(0), 'AdaptiveAvgPool2d: expected a whole number ≥ 1 or a list of 2, each a whole number ≥ 1 for outputSize, got 0.'],
  [() => new Upsample2d({}), 'Upsample2d: expected either scale or size, got none.'],
  [() => new Upsample2d({ scale: 2, size: 4 }), 'Upsample2d: expected either scale or size, got both.'],
  [() => new Upsample2d({ scale: 2, alignCorners: true }), "Upsample2d: expected alignCorners only with mode 'bilinear', got 'nearest'. Leave it out."],
  [() => new Dropout2d(1), 'Dropout2d: expected a number in [0, 1) for p, got 1.'],
]; // prettier-ignore

const wrongShapes: readonly (readonly [Layer, readonly number[], string])[] = [
  [new MaxPool1d(2), [1, 3], 'MaxPool1d: expected x of rank 3 [N, T, C], got [1, 3]. Reshape it; a sequence of one channel has C = 1.'],
  [new AvgPool1d(4), [1, 3, 2], 'AvgPool1d: expected a kernel that fits the padded length of x, got 4 > 3 + 2 · 0 = 3. Make the kernel smaller or x larger.'],
  [new AdaptiveAvgPool2d(2), [1, 3, 2], 'AdaptiveAvgPool2d: expected x of rank 4 [N, H, W, C], got [1, 3, 2]. Reshape it; an image of one channel has C = 1.'],
  [new AdaptiveAvgPool2d(2), [1, 0, 3, 2], 'AdaptiveAvgPool2d: expected x with pixels, got [1, 0, 3, 2].'],
  [new GlobalAvgPool2d(), [1, 0, 3, 2], 'GlobalAvgPool2d: expected x with pixels, got [1, 0, 3, 2].'],
  [new GlobalMaxPool2d(), [1, 2, 0, 2], 'GlobalMaxPool2d: expected x with pixels, got [1, 2, 0, 2].'],
  [new InstanceNorm(), [1, 3], 'InstanceNorm: expected x [N, ..., C] of rank ≥ 3 with C ≥ 1, got [1, 3]. Use LayerNorm for rows.'],
  [new MaxPool1d(1, { stride: 2 ** 31 }), [1, 3, 2], 'MaxPool1d: expected sizes below 2³¹, got strideW = 2147483648.'],
  [new Upsample2d({ scale: 0.25 }), [1, 3, 2, 1], 'Upsample2d: expected x and the result with pixels, got [1, 3, 2, 1] and 0 × 0. Make scale larger.'],
  [new Dropout2d(), [1, 3], 'Dropout2d: expected x of rank 4 [N, H, W, C], got [1, 3]. Reshape it; an image of one channel has C = 1.'],
]; // prettier-ignore

describe('layers that change the size of images and sequences', () => {
  for (const [make, message] of wrongOptions) it(message, () => assert.throws(make, { name: 'OptionError', message }));
  for (const [layer, shape, message] of wrongShapes) {
    it(message, () => assert.throws(() => new Sequential([layer]).build(shape.slice(1)), { name: 'ShapeError', message: message.replace(':', ' "0":') })); // prettier-ignore
  }

  const cases: readonly (readonly [string, Layer, readonly number[]])[] = [
    ['MaxPool1d', new MaxPool1d(3, { stride: 2, padding: 1 }), [2, 7, 2]],
    ['AvgPool1d', new AvgPool1d(3, { stride: 1, padding: 1, countPadding: false }), [2, 5, 3]],
    ['AdaptiveAvgPool2d', new AdaptiveAvgPool2d([2, 3]), [2, 5, 4, 2]],
    ['Upsample2d', new Upsample2d({ scale: 2 }), [1, 2, 3, 2]],
    ['Upsample2d, bilinear', new Upsample2d({ size: [5, 3], mode: 'bilinear' }), [1, 3, 4, 2]],
    ['Dropout2d', new Dropout2d(0.4), [3, 2, 2, 4]],
  ];
  for (const [name, layer, shape] of cases) it(`${name} has its gradient`, () => assertGradients(layer, [awayFromZero(shape)]));

  it('Dropout2d zeroes whole channels and scales the others', () => {
    const x = ones(50, 2, 3, 40);
    const { y } = runLayer(new Dropout2d(0.25), x, new Map(), x);
    let kept = 0;
    for (let n = 0; n < 50; n++)
      for (let c = 0; c < 40; c++) {
        const values = Array.from({ length: 6 }, (_, p) => y.data[(n * 6 + p) * 40 + c]!);
        assert.ok(
          values.every((v) => v === values[0] && (v === 0 || v === Math.fround(1 / 0.75))),
          `${n} ${c}: ${values.join()}`,
        );
        if (values[0] !== 0) kept++;
      }
    // 2000 draws: four deviations of √(2000 · 0.75 · 0.25) around 1500.
    assert.ok(Math.abs(kept - 1500) <= 4 * Math.sqrt(375), `${kept}`);
  });

  /** Rows of a nearest upsampling of h × h pixels that are the numbers of their rows. */
  const rows: readonly (readonly [Upsample2dOptions, number, readonly number[]])[] = [
    [{ scale: 2.3 }, 3, [0, 0, 0, 1, 1, 2]],
    [{ scale: [2.3, 2] }, 3, [0, 0, 0, 1, 1, 2]],
    [{ scale: 1.25 }, 2, [0, 0]],
    [{ scale: 2 }, 2, [0, 0, 1, 1]],
    [{ size: 6 }, 3, [0, 0, 1, 1, 2, 2]],
    [{ size: 5 }, 3, [0, 0, 1, 1, 2]],
    [{ size: [98, 4] }, 4, Array.from({ length: 98 }, (_, i) => Math.floor((i * 4) / 98))],
    [{ scale: [49, 1.5] }, 2, Array.from({ length: 98 }, (_, i) => Math.floor(i / 49))],
  ];
  for (const [options, h, expected] of rows) {
    it(`Upsample2d ${JSON.stringify(options)} of ${h} × ${h} takes row ⌊i / repetitions⌋`, async () => {
      const x = array(Float32Array.from({ length: h * h }, (_, i) => Math.floor(i / h)), [1, h, h, 1]); // prettier-ignore
      const y = await new Upsample2d(options).predict(x);
      assert.deepEqual([...y.data], expected.flatMap((row) => new Array<number>(y.shape[2]!).fill(row))); // prettier-ignore
    });
  }

  it('Dropout2d leaves evaluation alone', async () => {
    const layer = new Dropout2d(0.5).build([2, 2, 3]);
    assert.deepEqual([...(await layer.predict(ones(2, 2, 2, 3))).data], new Array<number>(24).fill(1));
  });
});
