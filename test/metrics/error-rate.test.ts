import assert from 'node:assert/strict';
import { array, editDistance, errorRate } from '../../lib/index.js';

describe('editDistance', () => {
  for (const [a, b, distance] of [
    ['kitten', 'sitting', 3],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['flaw', 'lawn', 2],
    ['😀a', '😀b', 1],
    [[1, 2, 3], Int32Array.of(1, 3), 1],
    [['one', 'word'], ['word'], 1],
    [[], [], 0],
  ] as const)
    it(`of ${JSON.stringify(a)} and ${JSON.stringify(b)} is ${distance}`, () => assert.equal(editDistance(a, b), distance));
  it('refuses what is no sequence', () =>
    assert.throws(() => editDistance(7 as never, 'a'), {
      name: 'OptionError',
      message: 'editDistance: expected texts or lists, got number.',
    }));
});

describe('errorRate', () => {
  it('is of all sequences at once', () => assert.equal(errorRate(['abc', 'x'], ['abd', 'xyz']), 3 / 6));
  it('may be above 1', () => assert.equal(errorRate(['abc'], ['d']), 3));
  it('refuses lists that do not fit, and nothing to read', () => {
    assert.throws(() => errorRate(['a'], []), { name: 'DataError', message: 'errorRate: expected a sequence for each of 0, got 1.' });
    assert.throws(() => errorRate([''], ['']), { name: 'DataError', message: /empty sequences alone/ });
  });
  for (const [predicted, expected, got] of [
    ['abc', 'abd', 'predicted, got string'],
    [undefined, [[1]], 'predicted, got undefined'],
    [array([[1]]), array([[1]]), 'predicted, got NdArray'],
    [['a'], 'a', 'expected, got string'],
  ] as const)
    it(`refuses lists that are none: ${got}`, () =>
      assert.throws(() => errorRate(predicted as never, expected as never), {
        name: 'OptionError',
        message: `errorRate: expected a list of texts or lists for ${got}. Put a single one in a list: [text]; of an array give toNested().`,
      }));
});
