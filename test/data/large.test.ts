import assert from 'node:assert/strict';
import { Standardizer, array } from '../../lib/index.js';

/** Milliseconds that `work` takes. */
function timeOf(work: () => unknown): number {
  const begin = performance.now();
  work();
  return performance.now() - begin;
}

describe('data of many elements', () => {
  it('is standardised and brought back by a loop: a list of 20 million numbers would take 4 seconds', () => {
    const x = array(new Float32Array(2e7).fill(1.5), [2e4, 1000]);
    const standard = Standardizer.from({ mean: new Float64Array(1000).fill(1), deviation: new Float64Array(1000).fill(0.5) });
    const time = timeOf(() => assert.equal(standard.invert(standard.apply(x)).data.at(-1), 1.5));
    assert.ok(time < 3000, `took ${time} ms`);
  });
});
