import assert from 'node:assert/strict';
import { Normalize, Standardizer, array, full, normalize } from '../../lib/index.js';

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

describe('statistics of channels', () => {
  for (const [name, make] of [
    ['normalize', normalize],
    ['Normalize', (given: never) => new Normalize(given)],
  ] as const) {
    const message = `${name}: expected an object of options { mean, std }, got Tensor. Vectors of length 1 are div(x, maximum(norm(x, { axes: -1, keepDims: true }), 1e-12)). For mean and std in a model there is the layer Normalize.`;
    it(`are no tensor: ${name}`, () => assert.throws(() => make(full([2, 3], 1) as never), { name: 'OptionError', message }));
  }
});
