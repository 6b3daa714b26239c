import assert from 'node:assert/strict';
import { Normalize, Standardizer, array } from '../../lib/index.js';

describe('Normalize of a Standardizer', () => {
  const x = array([[1, 5, -2], [3, 5, 4], [8, 5, 1]]); // prettier-ignore
  const standard = new Standardizer(x);
  const layer = new Normalize({ mean: standard.mean, std: standard.deviation });

  it('does what it does, also where a feature never changes', async () => {
    const y = await layer.predict(x);
    standard.apply(x).data.forEach((value, i) => assert.ok(Math.abs(y.data[i]! - value) < 1e-6));
    assert.deepEqual([y.data[1], y.data[4]], [0, 0]);
  });
  it('keeps lists of its own', () => {
    assert.deepEqual([layer.mean, layer.std], [[...standard.mean], [...standard.deviation]]);
  });
});
