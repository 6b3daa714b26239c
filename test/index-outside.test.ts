import assert from 'node:assert/strict';
import { indexOutside } from '../lib/index-outside.js';

describe('index of the first element outside a range', () => {
  const cases: [string, number, number][] = [
    ['all within', indexOutside(Float32Array.of(0, 0.5, 1), 0, 1), -1],
    ['none at all', indexOutside(new Int32Array(0), 0, 1), -1],
    ['the first of two', indexOutside(Int32Array.of(3, 9, -1), 0, 5), 1],
    ['below', indexOutside(Float32Array.of(0, -1e-9), 0, 1), 1],
    ['NaN', indexOutside(Float32Array.of(0, NaN), 0, 1), 1],
    ['NaN allowed', indexOutside(Float32Array.of(0, NaN, 2), 0, 1, true), 2],
    ['an infinity where numbers are finite', indexOutside(Float32Array.of(3e38, Infinity), 0, Number.MAX_VALUE), 1],
    ['bytes', indexOutside(Uint8Array.of(7, 200), 0, 100), 1],
  ];
  for (const [name, got, expected] of cases) it(name, () => assert.equal(got, expected));
});
