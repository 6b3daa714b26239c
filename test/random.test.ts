import assert from 'node:assert/strict';
import { Philox } from '../lib/index.js';

describe('Philox', () => {
  const random = new Philox(1);
  for (const method of ['uniform', 'uniform53', 'normal', 'permutation'] as const) {
    it(`${method} gives as many as asked for, and refuses what is no number of them`, () => {
      assert.equal(random[method](3).length, 3);
      assert.equal(random[method](0).length, 0);
      for (const count of [-1, 2.5, NaN, undefined as never])
        assert.throws(() => random[method](count), {
          name: 'OptionError',
          message: `Philox.${method}: expected a whole number ≥ 0 for count, got ${count}.`,
        });
    });
  }
});
