import assert from 'node:assert/strict';
import { Philox, array, averagePrecision, rocAuc } from '../../lib/index.js';

/** The share of pairs that are in the right order. */
function ofPairs(scores: readonly number[], targets: readonly number[]): number {
  let [right, pairs] = [0, 0];
  scores.forEach((a, i) =>
    scores.forEach((b, j) => {
      if (targets[i] !== 1 || targets[j] !== 0) return;
      pairs++;
      right += a > b ? 1 : a === b ? 0.5 : 0;
    }),
  );
  return right / pairs;
}

/** Precision and recall at each score as threshold, from the definitions. */
function ofThresholds(scores: readonly number[], targets: readonly number[]): number {
  const thresholds = [...new Set(scores)].sort((a, b) => b - a);
  const positives = targets.filter((y) => y === 1).length;
  let [area, before] = [0, 0];
  for (const threshold of thresholds) {
    const found = targets.filter((_, i) => scores[i]! >= threshold);
    const right = found.filter((y) => y === 1).length;
    area += (right / positives - before) * (right / found.length);
    before = right / positives;
  }
  return area;
}

describe('averagePrecision', () => {
  it('is the sum of precisions, each times the recall it adds', () => {
    const random = new Philox(5);
    for (const levels of [2, 5, 1000]) {
      const scores = [...random.uniform(200)].map((u) => Math.floor(u * levels) - levels / 2);
      const targets = [...random.uniform(200)].map((u, i) => Number(u + scores[i]! / levels > 0.9));
      const got = averagePrecision(array(scores), array(Uint8Array.from(targets)));
      assert.ok(Math.abs(got - ofThresholds(scores, targets)) < 1e-12, `${got}`);
    }
  });

  it('is 1 for scores that tell all apart, and the share of positive rows for one score', () => {
    const targets = array(Int32Array.of(0, 1, 0, 0), [4, 1]);
    assert.equal(averagePrecision(array([[-1], [2], [-Infinity], [-3]]), targets), 1);
    assert.equal(averagePrecision(array([0, -0, 0, 0]), targets), 0.25);
    // scikit-learn's own example: 0.83.
    assert.equal(averagePrecision(array([0.1, 0.4, 0.35, 0.8]), array([0, 0, 1, 1])), (1 + 2 / 3) / 2);
  });

  it('refuses what has no such area', () =>
    assert.throws(() => averagePrecision(array([1, 2]), array([0, 0])), {
      name: 'DataError',
      message: 'averagePrecision: expected rows of both kinds, got 0 positive and 2 negative ones.',
    }));
});

describe('rocAuc', () => {
  it('is the share of pairs of a positive and a negative row in the right order', () => {
    const random = new Philox(3);
    for (const levels of [2, 5, 1000]) {
      const scores = [...random.uniform(200)].map((u) => Math.floor(u * levels) - levels / 2);
      const targets = [...random.uniform(200)].map((u, i) => Number(u + scores[i]! / levels > 0.5));
      const got = rocAuc(array(scores), array(Uint8Array.from(targets)));
      assert.ok(Math.abs(got - ofPairs(scores, targets)) < 1e-12, `${got}`);
    }
  });

  it('is 1 for scores that tell all apart, 0 for those that do so the wrong way, and a half for one score', () => {
    const targets = array(Int32Array.of(0, 1, 1, 0), [4, 1]);
    assert.equal(rocAuc(array([[-1], [2], [Infinity], [-3]]), targets), 1);
    assert.equal(rocAuc(array([1, -2, -5, 3]), targets), 0);
    assert.equal(rocAuc(array([0, -0, 0, 0]), targets), 0.5);
  });

  it('refuses what has no such area', () => {
    const two = array([0.5, 1]);
    assert.throws(() => rocAuc(two, array([1, 1])), {
      name: 'DataError',
      message: 'rocAuc: expected rows of both kinds, got 2 positive and 0 negative ones.',
    });
    assert.throws(() => rocAuc(two, array([0, 2])), { name: 'DataError', message: 'rocAuc: expected targets of 0 and 1, got 2 at row 1.' });
    assert.throws(() => rocAuc(array([0, NaN]), array([0, 1])), {
      name: 'DataError',
      message: 'rocAuc: expected scores, got NaN at row 1.',
    });
    assert.throws(() => rocAuc(array([[1, 2]]), array([1])), {
      name: 'ShapeError',
      message: /Of several classes give the scores of one\./,
    });
    assert.throws(() => rocAuc([0, 1] as never, array([0, 1])), {
      name: 'DataError',
      message: 'rocAuc: expected scores made by array(), got Array. Wrap it: array(data, shape).',
    });
  });
});
