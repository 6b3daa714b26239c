import assert from 'node:assert/strict';
import { CrossEntropyLoss, type NdArray, array, balancedClassWeights } from '../../lib/index.js';

const ids = array(Int32Array.of(0, 0, 0, 1, 0, 2, 2, 0, 0, 1));

describe('balancedClassWeights', () => {
  it('is N / (C · N_c)', () => {
    assert.deepEqual(balancedClassWeights(ids), Float32Array.of(10 / 18, 10 / 6, 10 / 6));
    assert.deepEqual(balancedClassWeights(array([[0, 1], [1, 1]]), { classes: 2 }), Float32Array.of(2, 2 / 3)); // prettier-ignore
  });
  it('leaves padding out', () =>
    assert.deepEqual(balancedClassWeights(array(Int32Array.of(0, 9, 1, 1, 9)), { ignoreIndex: 9 }), Float32Array.of(3 / 2, 3 / 4)));
  it('takes ids of rows of a sequence each, though each holds one 1', () =>
    assert.deepEqual(balancedClassWeights(array(Int32Array.of(0, 1, 1, 0), [2, 2])), Float32Array.of(1, 1)));
  it('takes the pixels of a data set, in no more memory than they need', () => {
    const pixels = new Uint8Array(2 ** 27);
    pixels.fill(1, 2 ** 26);
    assert.deepEqual(balancedClassWeights(array(pixels)), Float32Array.of(1, 1));
  }).timeout(60000);
  it('is what the loss takes', () =>
    assert.deepEqual(new CrossEntropyLoss({ weight: balancedClassWeights(ids) }).weighting.weight, balancedClassWeights(ids)));

  const refused: readonly (readonly [NdArray, object, string, RegExp])[] = [
    [array(Int32Array.of(0, 2)), {}, 'DataError', /expected a row of each of the classes 0 … 2, got none of 1\. Give the targets/],
    [array(Int32Array.of(0, 1)), { classes: 3 }, 'DataError', /got none of 2\./],
    [array(Int32Array.of(2 ** 31 - 1, 0)), {}, 'DataError', /classes 0 … 2147483647, got none of 1\./],
    [array([0, -1]), {}, 'DataError', /expected class ids 0 … 0, got -1 at row 1\./],
    [array([0, 0.5, NaN]), {}, 'DataError', /expected class ids 0 … 0, got 0\.5 at row 1\./],
    [array([0, 3]), { classes: 2 }, 'DataError', /expected class ids 0 … 1, got 3 at row 1\./],
    [array(Float32Array.of(0, 5e9)), {}, 'DataError', /classes 0 … 5000000000, got none of 1\./],
    [array([0, NaN]), {}, 'DataError', /got NaN at row 1\. Give whole numbers\.$/],
    [array([0, 1, 2]), { classes: 2 }, 'DataError', /got 2 at row 2\. Number the classes from 0, or give classes: 3\.$/],
    [array(Uint8Array.of(0, 1, 255)), {}, 'DataError', /got none of 2\. Give .* or leave rows of 255 out by ignoreIndex: 255\.$/],
    [array([]), {}, 'DataError', /expected class ids, got none\. Give the targets of all rows\.$/],
    [array([9, 9]), { ignoreIndex: 9 }, 'DataError', /expected class ids, got only 9, which is ignored\. /],
    [array([[1, 0, 0], [0, 1, 0]]), {}, 'DataError', /expected class ids, got one-hot rows\. Give the ids, as an Int32Array\.$/], // prettier-ignore
    [array([0]), { classes: 0 }, 'OptionError', /expected a whole number ≥ 1 for classes, got 0/],
    [[0, 1] as never, {}, 'DataError', /expected targets made by array\(\), got Array/],
  ];
  for (const [targets, options, name, message] of refused)
    it(`refuses: ${String(message)}`, () => assert.throws(() => balancedClassWeights(targets, options), { name, message }));
});
