import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { Mfcc, decibels } from '../../lib/data/index.js';

describe('coefficients of a signal that is not finite', () => {
  const wrong: readonly (readonly [() => unknown, string])[] = [
    [
      () => new Mfcc(16_000).apply(array(new Float32Array(4000).fill(NaN, 7, 9))),
      'Mfcc: expected finite samples, got NaN at [7]. Leave the signal out, or mend it.',
    ],
    [
      () => new Mfcc(16_000, { log: 'natural' }).apply(array(new Float32Array(4000).fill(-Infinity, 7, 9))),
      'Mfcc: expected finite samples, got -Infinity at [7]. Leave the signal out, or mend it.',
    ],
    [
      () => decibels(array(Float32Array.of(1, 2, 3, NaN), [2, 2])),
      'decibels: expected finite powers, got NaN at [1, 1]. Leave the signal out, or mend it.',
    ],
  ];
  for (const [act, message] of wrong) it(message, () => assert.throws(act, { name: 'DataError', message }));
});
