import assert from 'node:assert/strict';
import { getThreads, setThreads } from '../lib/index.js';

describe('setThreads', () => {
  for (const [given, shown] of [
    ['2', "'2'"],
    [Symbol('two'), 'Symbol(two)'],
    [Object.create(null), '[Object: null prototype] {}'],
    [0, '0'],
    [257, '257'],
    [1.5, '1.5'],
    [undefined, 'undefined'],
  ] as readonly (readonly [unknown, string])[]) {
    it(`refuses ${shown}`, () => {
      const before = getThreads();
      const message = `setThreads: expected a whole number in 1 … 256 for count, got ${shown}.`;
      assert.throws(() => setThreads(given as number), { name: 'OptionError', message });
      assert.equal(getThreads(), before);
    });
  }
});
