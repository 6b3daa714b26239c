import assert from 'node:assert/strict';
import { maxPool2d } from '../../lib/kernels.js';
import { native } from '../../lib/native.js';

describe('messages of the native side', () => {
  for (const [value, spelled] of [
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [-Infinity, '-Infinity'],
    [0.1, '0.1'],
    [1234567.5, '1234567.5'],
    [1 / 3, '0.3333333333333333'],
    [1e300, '1e+300'],
    [-5e-324, '-5e-324'],
    [2 ** 53 + 2, '9007199254740994'],
  ] as const)
    it(`write ${value} as JavaScript does`, () => {
      assert.throws(() => native().setThreads(value), { message: `setThreads: expected an integer from 1 to 256 for count, got ${spelled}` });
    });
});

describe('the taps of a maximum', () => {
  const x = new Float32Array(9);
  it('are fewer than 2³¹', () => {
    const shape = Int32Array.of(1, 3, 3, 1, 3, 3, 5, 2147483647, 1, 1, 2, 2 ** 30 - 1);
    assert.throws(() => native().maxPool2d(shape, x, new Float32Array(9), undefined), {
      message: 'maxPool2d: expected at most 2147483647 taps, got 5 · 2147483647',
    });
    const windows = { n: 1, h: 3, w: 3, c: 1, kernelSize: [5, 2147483647], stride: 1, padding: [2, 2 ** 30 - 1] } as const;
    assert.throws(() => maxPool2d({ ...windows, x, y: new Float32Array(9) }), {
      name: 'ShapeError',
      message: 'maxPool2d: expected a kernel of fewer than 2³¹ taps, got 5 · 2147483647. Make it smaller.',
    });
  });
});
