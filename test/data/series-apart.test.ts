/** Windows of a series whose steps are rows apart, and what is foretold rows after them. */
import assert from 'node:assert/strict';
import { type NdArray, array, forecastData, seriesWindows } from '../../lib/index.js';

/** 0 … R − 1 in one column. */
const counting = (rows: number): NdArray<Float32Array> => array(Float32Array.from({ length: rows }, (_, i) => i), [rows, 1]); // prettier-ignore
const rowsOf = ({ data, shape }: NdArray): readonly (readonly number[])[] =>
  Array.from({ length: shape[0]! }, (_, i) => [...data.subarray(i * shape[1]!, (i + 1) * shape[1]!)]);

describe('windows of rows that are apart', () => {
  it('take every third row, and what comes two rows later than the next', () => {
    const { x, y } = seriesWindows(counting(12), { steps: 3, sampling: 3, gap: 2, horizon: 2 });
    assert.deepEqual([rowsOf(x), rowsOf(y)], [[[0, 3, 6], [1, 4, 7]], [[9, 10], [10, 11]]]); // prettier-ignore
  });
  it('keep all columns', () => {
    const { x, y } = seriesWindows(array([[0, 5], [1, 6], [2, 7], [3, 8]]), { steps: 2, sampling: 2, targets: [1] }); // prettier-ignore
    assert.deepEqual([x.toNested(), y.toNested()], [[[[0, 5], [2, 7]]], [[[8]]]]); // prettier-ignore
  });
  it('foretell the weather 72 rows ahead of every sixth of the last 715', () => {
    const { x, y } = seriesWindows(counting(1000), { steps: 120, sampling: 6, gap: 71, stride: 10 });
    assert.deepEqual([x.shape, y.shape], [[22, 120, 1], [22, 1, 1]]); // prettier-ignore
    assert.deepEqual([x.data[119], y.data[0], x.data[120], y.data[1]], [714, 786, 10, 796]);
  });
  it('validate every row after the split, and only those, from windows that end a gap before', () => {
    const { train, validation, targetScale } = forecastData(counting(40), { steps: 3, sampling: 2, gap: 4, validationFraction: 0.25 });
    const numbers = ({ data }: NdArray): number[] => [...targetScale.invert(array(data, [data.length, 1])).data].map(Math.round);
    assert.deepEqual(numbers(validation.y), [30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
    assert.deepEqual(numbers(validation.x).slice(0, 3), [21, 23, 25]);
    assert.equal(Math.max(...numbers(train.y)), 29);
  });
  it('are refused where none fits, or rows are no whole numbers', () => {
    assert.throws(() => seriesWindows(counting(9), { steps: 3, sampling: 3, gap: 2 }), {
      name: 'DataError',
      message:
        'seriesWindows: expected at least 10 rows for 3 steps and a horizon of 1 with sampling 3 and gap 2, got 9. Take fewer steps, or a longer series.',
    });
    assert.throws(() => seriesWindows(counting(9), { steps: 3, sampling: 0 }), { name: 'OptionError', message: /for sampling, got 0\.$/ });
    assert.throws(() => forecastData(counting(9), { steps: 3, gap: -1 }), { name: 'OptionError', message: /for gap, got -1\.$/ });
  });
});
