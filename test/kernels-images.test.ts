import assert from 'node:assert/strict';
import {
  avgPool2d,
  avgPool2dBackward,
  col2im,
  conv2d,
  conv2dBackwardData,
  conv2dBackwardWeights,
  conv2dOutputSize,
  gemm,
  im2col,
  maxPool2d,
  maxPool2dBackward,
} from '../lib/kernels.js';
import { native } from '../lib/native.js';
import { Philox } from '../lib/random.js';

const floats = (count: number, seed = 1): Float32Array => new Philox(seed).normal(count);
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const magnitude = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + Math.abs(x * b[i]!), 0);

const geometries = [
  { n: 2, h: 7, w: 6, c: 3, kernelSize: 3 },
  { n: 1, h: 9, w: 8, c: 4, kernelSize: [3, 2], stride: 2, padding: 1 },
  { n: 2, h: 8, w: 9, c: 2, kernelSize: 3, stride: [1, 2], padding: [2, 1], dilation: 2 },
  { n: 3, h: 5, w: 5, c: 1, kernelSize: 5, padding: 2 },
  { n: 2, h: 4, w: 4, c: 17, kernelSize: 1, stride: 3 },
] as const;

/** Bounds |x − y| where both are sums of `terms` products of numbers of about unit size. */
function assertClose(actual: Float32Array, expected: Float32Array, terms: number): void {
  assert.equal(actual.length, expected.length);
  const bound = 16 * (terms + 2) * 2 ** -24 * Math.sqrt(terms);
  actual.forEach((x, i) => assert.ok(Math.abs(x - expected[i]!) <= bound, `${i}: ${x} against ${expected[i]!}`));
}

describe('conv2d and its gradients on typed arrays', () => {
  for (const g of geometries) {
    const outChannels = 6;
    const [oh, ow] = conv2dOutputSize(g);
    const [kh, kw] = typeof g.kernelSize === 'number' ? [g.kernelSize, g.kernelSize] : g.kernelSize;
    const depth = kh * kw * g.c;
    const pixels = g.n * oh * ow;
    const x = floats(g.n * g.h * g.w * g.c, 1);
    const weight = floats(depth * outChannels, 2);
    const dy = floats(pixels * outChannels, 3);
    const columns = new Float32Array(pixels * depth);
    im2col({ ...g, x, columns });

    describe(JSON.stringify(g), () => {
      it('is im2col and gemm', () => {
        const bias = floats(outChannels, 4);
        const [y, c] = [new Float32Array(pixels * outChannels), new Float32Array(pixels * outChannels)];
        conv2d({ ...g, outChannels, x, weight, bias, activation: 'relu', y });
        gemm({ m: pixels, n: outChannels, k: depth, a: columns, b: weight, c, bias, activation: 'relu' });
        assertClose(y, c, depth);
      });

      it('has the gradient of im2col and gemm to the weights', () => {
        const [dweight, c] = [new Float32Array(depth * outChannels), new Float32Array(depth * outChannels)];
        conv2dBackwardWeights({ ...g, outChannels, x, dy, dweight });
        gemm({ m: depth, n: outChannels, k: pixels, a: columns, transposeA: true, b: dy, c });
        assertClose(dweight, c, pixels);
      });

      it('has the gradient of gemm and col2im to the data', () => {
        const [dx, expected, dcolumns] = [new Float32Array(x.length), new Float32Array(x.length), new Float32Array(columns.length)];
        conv2dBackwardData({ ...g, outChannels, dy, weight, dx });
        gemm({ m: pixels, n: depth, k: outChannels, a: dy, b: weight, transposeB: true, c: dcolumns });
        col2im({ ...g, columns: dcolumns, dx: expected });
        assertClose(dx, expected, kh * kw * outChannels);
      });
    });
  }

  it('takes groups one by one', () => {
    const g = { n: 1, h: 4, w: 4, kernelSize: 3 };
    const [x, weight] = [floats(16 * 4, 1), floats(9 * 2 * 6, 2)];
    const y = new Float32Array(4 * 6);
    conv2d({ ...g, c: 4, outChannels: 6, groups: 2, x, weight, y });
    for (const group of [0, 1]) {
      const part = new Float32Array(4 * 3);
      conv2d({
        ...g,
        c: 2,
        outChannels: 3,
        x: Float32Array.from({ length: 32 }, (_, i) => x[(i >> 1) * 4 + group * 2 + (i & 1)]!),
        weight: Float32Array.from({ length: 54 }, (_, i) => weight[Math.floor(i / 3) * 6 + group * 3 + (i % 3)]!),
        y: part,
      });
      const mine = Float32Array.from({ length: 12 }, (_, i) => y[Math.floor(i / 3) * 6 + group * 3 + (i % 3)]!);
      assertClose(mine, part, 18);
    }
  });

  it('refuses impossible sizes and short arrays', () => {
    const g = { n: 1, h: 4, w: 4, c: 4, kernelSize: 5, outChannels: 2, x: floats(64), weight: floats(200), y: floats(2) };
    assert.throws(() => conv2d(g), /conv2d: expected a kernel that fits the padded height of x, got .* = 5 > .* = 4\. Make the kernel/);
    assert.throws(() => conv2d({ ...g, kernelSize: 3, groups: 3 }), /expected groups that divide the channels C of x, got 4 \/ 3/);
    assert.throws(() => conv2d({ ...g, kernelSize: 3 }), /conv2d: expected at least 8 elements for y, got 2/);
    assert.throws(() => conv2d({ ...g, kernelSize: 0 }), /kernelSize/);
    assert.throws(() => conv2d({ ...g, kernelSize: 1, n: 2 ** 31 }), /conv2d: expected sizes below 2³¹, got n = 2147483648/);
    assert.throws(() => conv2d({ ...g, kernelSize: 1, padding: 2 ** 31 }), /conv2d: expected sizes below 2³¹, got padTop = 2147483648/);
    assert.throws(() => conv2d({ ...g, kernelSize: 3, y: g.x.subarray(0, 8) }), /expected y apart from x/);
  });
});

describe('pooling on typed arrays', () => {
  const g = { n: 2, h: 6, w: 5, c: 3, kernelSize: 3, stride: 2, padding: 1 };
  const x = floats(2 * 6 * 5 * 3, 5);
  const outputs = 2 * 3 * 3 * 3;
  /** The pixels under window (i, j) of image n, channel c; null where it sees padding. */
  const seen = (n: number, i: number, j: number, c: number): (number | null)[] =>
    Array.from({ length: 9 }, (_, tap) => {
      const [row, column] = [i * 2 - 1 + Math.floor(tap / 3), j * 2 - 1 + (tap % 3)];
      return row < 0 || row >= 6 || column < 0 || column >= 5 ? null : x[((n * 6 + row) * 5 + column) * 3 + c]!;
    });
  const eachOutput = (visit: (at: number, window: (number | null)[]) => void): void => {
    for (let at = 0; at < outputs; at++) {
      visit(at, seen(Math.floor(at / 27), Math.floor(at / 9) % 3, Math.floor(at / 3) % 3, at % 3));
    }
  };

  it('takes the maximum and where it was', () => {
    const [y, index] = [new Float32Array(outputs), new Int32Array(outputs)];
    maxPool2d({ ...g, x, y, index });
    eachOutput((at, window) => {
      const most = Math.max(...window.filter((v) => v !== null));
      assert.equal(y[at], most);
      assert.equal(index[at], window.indexOf(most));
    });
    const without = new Float32Array(outputs);
    maxPool2d({ ...g, x, y: without });
    assert.deepEqual(without, y);
  });

  it('lets NaN win', () => {
    const y = new Float32Array(1);
    maxPool2d({ n: 1, h: 2, w: 2, c: 1, kernelSize: 2, x: new Float32Array([1, NaN, 3, 4]), y });
    assert.ok(Number.isNaN(y[0]));
  });

  for (const countPadding of [true, false]) {
    it(`takes the mean, ${countPadding ? 'padding counted' : 'of the image alone'}`, () => {
      const y = new Float32Array(outputs);
      avgPool2d({ ...g, countPadding, x, y });
      eachOutput((at, window) => {
        const inside = window.filter((v) => v !== null);
        const mean = inside.reduce((sum, v) => sum + v, 0) / (countPadding ? 9 : inside.length);
        assert.ok(Math.abs(y[at]! - mean) <= 16 * 11 * 2 ** -24, `${at}`);
      });
    });
  }

  it('has gradients that are the adjoint', () => {
    const dy = floats(outputs, 6);
    const [y, index, dx] = [new Float32Array(outputs), new Int32Array(outputs), new Float32Array(x.length)];
    // Each element is a sum of at most 9 terms and a division, rounded each.
    const assertSame = (): void => {
      const bound = 11 * 2 ** -24 * (magnitude(y, dy) + magnitude(x, dx));
      assert.ok(Math.abs(dot(y, dy) - dot(x, dx)) <= bound);
    };
    // Both are linear where the choice of maxima is fixed: ⟨pool(x), dy⟩ = ⟨x, dx⟩.
    maxPool2d({ ...g, x, y, index });
    maxPool2dBackward({ ...g, dy, index, dx });
    assertSame();
    avgPool2d({ ...g, x, y });
    avgPool2dBackward({ ...g, dy, dx });
    assertSame();
  });

  it('refuses images without pixels', () => {
    const none = { n: 1, h: 0, w: 1, c: 1, kernelSize: [2, 1], padding: [1, 0], y: new Float32Array(1) } as const;
    assert.throws(() => maxPool2d({ ...none, x }), { name: 'ShapeError', message: 'maxPool2d: expected x of height ≥ 1, got 0: an image without pixels has no largest one.' }); // prettier-ignore
    assert.throws(() => avgPool2d({ ...none, x, countPadding: false }), /avgPool2d: expected x of height ≥ 1, got 0/);
  });

  it('refuses a padding of more than half the kernel', () => {
    assert.throws(
      () => avgPool2d({ ...g, padding: 2, x, y: new Float32Array(outputs) }),
      /avgPool2d: expected a padding of at most half the kernel of height 3, got 2/,
    );
  });
});

describe('the native side of conv2d and pooling', () => {
  const x = floats(64);
  const conv = (...shape: number[]) => native().conv2d(Int32Array.from(shape), x, x, undefined, 0, new Float32Array(64));
  const pool = (...shape: number[]) => native().maxPool2d(Int32Array.from(shape), x, new Float32Array(64), undefined);

  it('refuses shapes of the wrong length', () => {
    assert.throws(() => conv(1, 2, 3), { message: 'conv2d: expected 16 numbers for shape, got 3' });
    assert.throws(() => pool(1, 2, 3), { message: 'maxPool2d: expected 12 numbers for shape, got 3' });
  });
  it('refuses negative sizes and strides of 0', () => {
    assert.throws(() => conv(1, -4, 4, 1, 2, 2, 1, 3, 3, 1, 1, 1, 1, 0, 0, 1), { message: 'conv2d: expected a number of at least 0 at position 1 of shape, got -4' }); // prettier-ignore
    assert.throws(() => pool(1, 4, 4, 1, 2, 2, 3, 3, 0, 1, 0, 0), { message: 'maxPool2d: expected a number of at least 1 at position 8 of shape, got 0' }); // prettier-ignore
  });
  it('refuses groups that do not divide the channels', () => {
    assert.throws(() => conv(1, 4, 4, 2, 2, 2, 3, 3, 3, 1, 1, 1, 1, 0, 0, 2), { message: 'conv2d: expected groups that divide 2 and 3 channels, got 2' }); // prettier-ignore
  });
  it('refuses arrays shorter than the shape says', () => {
    assert.throws(() => conv(2, 8, 8, 1, 6, 6, 1, 3, 3, 1, 1, 1, 1, 0, 0, 1), { message: 'conv2d: expected at least 128 elements for x, got 64' }); // prettier-ignore
  });
});
