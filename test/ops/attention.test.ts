import assert from 'node:assert/strict';
import { full, scaledDotProductAttention } from '../../lib/ops/index.js';

const of = (...shape: readonly number[]): ReturnType<typeof full> => full(shape, 1);

describe('scaledDotProductAttention refuses', () => {
  const what = 'scaledDotProductAttention';
  const broadcast = 'expected shapes that broadcast (trailing sizes equal or 1)';
  const wrong: readonly (readonly [() => unknown, string])[] = [
    [
      () => scaledDotProductAttention(of(4, 2, 3), of(4, 2, 3), of(4, 2, 3), { mask: of(4, 2, 3) }),
      `${what}: scores [..., T, S] and mask: ${broadcast}, got [4, 2, 2] and [4, 2, 3]. Reshape or transpose one of them.`,
    ],
    [
      () => scaledDotProductAttention(of(1, 2, 3), of(1, 4, 3), of(1, 2, 3)),
      `${what}: expected keys [..., S, D] and values [..., S, E], got [1, 4, 3] and [1, 2, 3]. Give a value for each key.`,
    ],
    [
      () => scaledDotProductAttention(of(2, 2, 3), of(5, 4, 3), of(5, 4, 3)),
      `${what}: leading sizes: ${broadcast}, got [2] and [5]. Reshape or transpose one of them.`,
    ],
    [
      () => scaledDotProductAttention(of(2, 2, 3), of(2, 4, 3), of(5, 4, 3)),
      `${what}: leading sizes: ${broadcast}, got [2] and [2] and [5]. Reshape or transpose one of them.`,
    ],
  ];
  for (const [act, message] of wrong) it(message, () => assert.throws(act, { name: 'ShapeError', message }));
  it('no leading sizes that broadcast', () =>
    assert.deepEqual(scaledDotProductAttention(of(2, 1, 2, 3), of(4, 5, 3), of(4, 5, 7), { mask: of(5) }).shape, [2, 4, 2, 7]));
});
