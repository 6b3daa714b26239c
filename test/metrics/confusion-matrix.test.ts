import assert from 'node:assert/strict';
import { type NdArray, array, classReport, confusionMatrix } from '../../lib/index.js';

const ids = (...values: number[]): NdArray<Int32Array> => array(Int32Array.from(values));
const scores = array([[3, 1, 2], [0, 5, 1], [1, 2, 9], [4, 3, 2], [2, 2, 1], [1, Infinity, 9]]); // prettier-ignore

describe('confusionMatrix', () => {
  const cases: readonly (readonly [string, NdArray<Int32Array>, readonly (readonly number[])[]])[] = [
    ['scores', confusionMatrix(scores, ids(0, 1, 1, 2, 0, 0)), [[2, 1, 0], [0, 1, 1], [1, 0, 0]]], // prettier-ignore
    ['class ids', confusionMatrix(ids(0, 1, 2, 0), ids(0, 1, 1, 2), { classes: 3 }), [[1, 0, 0], [0, 1, 1], [1, 0, 0]]], // prettier-ignore
    ['bytes and floats', confusionMatrix(array(Uint8Array.of(0, 1)), array([1, 1]), { classes: 2 }), [[0, 0], [1, 1]]], // prettier-ignore
    ['sequences with padding', confusionMatrix(array([[[1, 2], [2, 1]]]), array(Int32Array.of(1, -1), [1, 2]), { ignoreIndex: -1 }), [[0, 0], [0, 1]]], // prettier-ignore
    ['ids where the prediction of padding is none', confusionMatrix(ids(-1, 1), ids(-1, 0), { classes: 2, ignoreIndex: -1 }), [[0, 1], [0, 0]]], // prettier-ignore
    ['logits [N, 1]', confusionMatrix(array([[-1], [2], [0.5], [0]]), ids(0, 1, 0, 1)), [[1, 1], [1, 1]]], // prettier-ignore
    ['logits [N, 1], targets [N, 1]', confusionMatrix(array([[-1], [2], [0.5]]), array([[0], [1], [0]])), [[1, 1], [0, 1]]], // prettier-ignore
    ['probabilities [N, 1]', confusionMatrix(array([[0.4], [0.6]]), ids(0, 0), { threshold: 0.5 }), [[1, 1], [0, 0]]], // prettier-ignore
    ['logits [N]', confusionMatrix(array([-3, 2]), ids(1, 1), { threshold: 0 }), [[0, 0], [1, 1]]], // prettier-ignore
    ['class ids [N, 1]', confusionMatrix(array([[0], [2]]), array([[0], [1]]), { classes: 3 }), [[1, 0, 0], [0, 0, 1], [0, 0, 0]]], // prettier-ignore
    ['logits [N, 1] with padding', confusionMatrix(array([[1], [NaN]]), ids(1, -1), { ignoreIndex: -1 }), [[0, 0], [0, 1]]], // prettier-ignore
    ['more classes than scores', confusionMatrix(array([[1, 2]]), ids(2), { classes: 3 }), [[0, 0, 0], [0, 0, 0], [0, 1, 0]]], // prettier-ignore
  ];
  for (const [name, counts, expected] of cases) it(name, () => assert.deepEqual(counts.toNested(), expected));

  const wrong: readonly (readonly [string, () => unknown, string])[] = [
    ['OptionError', () => confusionMatrix(ids(1), ids(1)), 'confusionMatrix: expected classes for predictions that are class ids, of the shape of the targets [1], got none. Give classes, or threshold for scores; of one-hot targets give the ids.'],
    ['OptionError', () => confusionMatrix(scores, ids(1), { classes: 0 }), 'confusionMatrix: expected a whole number ≥ 1 for classes, got 0.'],
    ['ShapeError', () => confusionMatrix(scores, ids(1, 2)), 'confusionMatrix: expected predictions of shape [2] or [2, C] for targets of shape [2], got [6, 3]. Give one class id a row as targets.'],
    ['OptionError', () => confusionMatrix(scores, ids(0, 0, 0, 0, 0, 0), { threshold: 0 }), 'confusionMatrix: expected no threshold for 3 scores a row, of which the largest decides, got 0. Leave it out.'],
    ['DataError', () => confusionMatrix(array([[1, 2], [1, NaN]]), ids(0, 1)), 'confusionMatrix: expected scores, got NaN at row 1 [1]. Check the inputs; fit with debug: true names the layer of the first NaN.'],
    ['DataError', () => confusionMatrix(array([[1, 2], [NaN, 1]]), ids(0, 1)), 'confusionMatrix: expected scores, got NaN at row 1 [0]. Check the inputs; fit with debug: true names the layer of the first NaN.'],
    ['DataError', () => confusionMatrix(array([[1], [NaN]]), ids(0, 1)), 'confusionMatrix: expected scores, got NaN at row 1 [0]. Check the inputs; fit with debug: true names the layer of the first NaN.'],
    ['DataError', () => confusionMatrix(array([[1], [2]]), ids(0, 2)), 'confusionMatrix: expected class ids 0 … 1 for targets, got 2 at row 1. Number the classes from 0.'],
    ['DataError', () => confusionMatrix(scores.rows(0, 2), ids(1, 3)), 'confusionMatrix: expected class ids 0 … 2 for targets, got 3 at row 1. Number the classes from 0.'],
    ['DataError', () => confusionMatrix(scores.rows(0, 2), ids(1, -1)), 'confusionMatrix: expected class ids 0 … 2 for targets, got -1 at row 1. Number the classes from 0, or leave rows of it out by ignoreIndex: -1.'],
    ['DataError', () => confusionMatrix(array([[0.5, 1]]), array([[0, 1]]), { classes: 2 }), 'confusionMatrix: expected class ids 0 … 1 for predictions, got 0.5 at row 0 [0]. Number the classes from 0.'],
    ['DataError', () => confusionMatrix(undefined as never, ids(1)), 'confusionMatrix: expected predictions made by array(), got undefined. Wrap the numbers: array([0, 1, 1]).'],
    ['DataError', () => confusionMatrix(scores, [1] as never), 'confusionMatrix: expected targets made by array(), got Array. Wrap the numbers: array([0, 1, 1]).'],
  ]; // prettier-ignore
  for (const [name, make, message] of wrong) it(message, () => assert.throws(make, { name, message }));
});

describe('classReport', () => {
  it('gives precision, recall, F1 and the rows of each class', () =>
    assert.deepEqual(classReport(array(Int32Array.of(3, 1, 0, 2, 2, 0, 0, 0, 0), [3, 3])), [
      { precision: 3 / 5, recall: 3 / 4, f1: 2 / 3, support: 4 },
      { precision: 2 / 3, recall: 1 / 2, f1: 4 / 7, support: 4 },
      { precision: NaN, recall: NaN, f1: NaN, support: 0 },
    ]));
  it('refuses what is no matrix of counts', () =>
    assert.throws(() => classReport(scores), { name: 'ShapeError', message: /classReport: expected counts \[C, C\], got \[6, 3\]/ }));
  it('refuses what is no array', () =>
    assert.throws(() => classReport([[1]] as never), {
      name: 'DataError',
      message: 'classReport: expected counts made by array(), got Array. Give what confusionMatrix returns.',
    }));
});
