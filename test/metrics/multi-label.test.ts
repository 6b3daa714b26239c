/** Several labels a row, and options that belong to other shapes of targets. */
import assert from 'node:assert/strict';
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  Loss,
  MSELoss,
  type Metric,
  type NdArray,
  type Tensor,
  accuracy,
  array,
  f1,
  mean,
  precision,
  recall,
  topK,
} from '../../lib/index.js';
import { passing } from '../support/pass.js';

const logits = array([[2, -1, 0.5], [-2, -3, -1], [1, 1, -1], [-1, 3, 2], [0.1, -4, 5]]); // prettier-ignore
const labels = array([[1, 0, 0], [0, 0, 0], [1, 1, 1], [0, 1, 1], [1, 1, 1]]); // prettier-ignore
const some = array([[1, 0, NaN], [0, NaN, 0], [1, 1, 1], [0, 1, 1], [NaN, 1, 1]]); // prettier-ignore

/** Decision by decision. */
function expected(targets: NdArray, threshold: number): Record<string, number> {
  const counts = { tp: 0, fp: 0, fn: 0, tn: 0 };
  targets.data.forEach((y, i) => {
    if (Number.isNaN(y)) return;
    const said = logits.data[i]! > threshold;
    counts[said ? (y === 1 ? 'tp' : 'fp') : y === 1 ? 'fn' : 'tn']++;
  });
  const { tp, fp, fn, tn } = counts;
  return {
    accuracy: (tp + tn) / (tp + fp + fn + tn),
    precision: tp / (tp + fp),
    recall: tp / (tp + fn),
    f1: (2 * tp) / (2 * tp + fp + fn),
  };
}

const near = (got: Record<string, number>, wanted: Record<string, number>): void => {
  for (const [name, value] of Object.entries(wanted)) assert.ok(Math.abs(got[name]! - value) < 1e-6, `${name}: ${got[name]}, not ${value}`);
};

/** A loss that takes any targets. */
class Always extends Loss {
  forward(prediction: Tensor): Tensor {
    return mean(prediction);
  }
}

describe('multiLabel', () => {
  for (const [name, y, threshold] of [
    ['every label is a decision of its own', labels, undefined],
    ['of probabilities above another threshold', labels, 0.8],
    ['labels that are NaN do not count', some, undefined],
  ] as const) {
    it(`${name}, in batches of any size`, async () => {
      const options = { multiLabel: true, threshold };
      const metrics = [accuracy(options), precision(options), recall(options), f1(options)];
      const trainer = passing(new BCEWithLogitsLoss({ ignoreNaN: true }), metrics);
      for (const batchSize of [1, 2, 5]) near(await trainer.evaluate({ x: logits, y }, { batchSize }), expected(y, threshold ?? 0));
    });
  }
  it('takes labels in bytes, and of one label [N] for [N, 1]', async () => {
    const metrics = [accuracy({ multiLabel: true }), f1({ multiLabel: true })];
    const y = array(Uint8Array.of(1, 0));
    near(await passing(new Always(), metrics).evaluate({ x: array([[1], [1]]), y }), { accuracy: 0.5, f1: 2 / 3 });
    near(await passing(new Always(), metrics).evaluate({ x: array([[1, 1]]), y: array(y.data, [1, 2]) }), { accuracy: 0.5, f1: 2 / 3 });
  });

  const refused: readonly (readonly [Metric, Loss, NdArray, NdArray, string, string | RegExp])[] = [
    [accuracy(), new BCEWithLogitsLoss(), logits, labels, 'DataError', 'evaluate: accuracy: expected class ids, or rows of probabilities that sum to 1, one-hot or not, for target, got a sum of 0 at row 1. Give accuracy({ multiLabel: true }) for labels of which several or none may hold.'],
    [f1().as('mine'), new BCEWithLogitsLoss(), logits, labels, 'DataError', /^evaluate: f1: .*got a sum of 0 at row 1\. Give f1\(\{ multiLabel: true \}\)/],
    [topK(2), new BCEWithLogitsLoss(), logits, labels, 'DataError', /^evaluate: top2: .*got a sum of 0 at row 1\. Give the id of one class a row\.$/],
    [recall(), new MSELoss(), array([[1, 2]]), array([[-1, 2]]), 'DataError', /^evaluate: recall: .*got -1 at row 0\./],
    [precision(), new BCEWithLogitsLoss({ ignoreNaN: true }), logits, some, 'DataError', /got a sum of NaN at row 0/],
    [accuracy({ threshold: 0.5 }), new CrossEntropyLoss(), logits, array(Int32Array.of(0, 0, 0, 0, 0)), 'OptionError', /accuracy: expected no threshold for a prediction of shape \[5, 3\], where the largest of a row decides, got 0\.5\. Leave it out, or give multiLabel: true/],
    [precision({ positive: 3 }), new CrossEntropyLoss(), logits, array(Int32Array.of(0, 0, 0, 0, 0)), 'OptionError', /precision: expected one of the classes 0 … 2 for positive, got 3\. Number the classes from 0\.$/],
    [recall({ positive: 2 }), new BCEWithLogitsLoss(), array([[1]]), array([[1]]), 'OptionError', /recall: expected one of the classes 0 … 1 for positive, got 2\./],
    [accuracy({ multiLabel: true }), new CrossEntropyLoss(), logits, array(Int32Array.of(0, 0, 0, 0, 0)), 'ShapeError', /accuracy: expected a target of shape \[5, 3\] with multiLabel, got \[5\]\. Give 0 or 1 for each label\./],
    [accuracy({ ignoreIndex: 0 }), new BCEWithLogitsLoss(), array([[1]]), array([[1]]), 'OptionError', /accuracy: expected no ignoreIndex where the target holds no class ids, got 0\. Make the targets that do not count NaN\.$/],
    [f1({ ignoreIndex: 0 }), new CrossEntropyLoss(), logits, array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]]), 'OptionError', /f1: expected no ignoreIndex for a target of rows \[5, 3\], got 0\. Give class ids, or leave it out\.$/],
  ]; // prettier-ignore
  for (const [metric, loss, x, y, name, message] of refused)
    it(`refuses: ${String(message)}`, () => assert.rejects(passing(loss, [metric]).evaluate({ x, y }), { name, message }));
  it('refuses a positive class beside it', () =>
    assert.throws(() => precision({ multiLabel: true, positive: 0 }), {
      name: 'OptionError',
      message: 'precision: expected no positive with multiLabel, where every label that holds is positive, got 0. Leave it out.',
    }));
  it('looks at the targets before the first step of a fit, those of one of several outputs too', async () => {
    const data = { x: logits, y: labels };
    await assert.rejects(passing(new BCEWithLogitsLoss(), [accuracy()]).fit(data), { name: 'DataError', message: /^fit: accuracy: / });
    await assert.rejects(passing(new BCEWithLogitsLoss(), [accuracy()]).step(data), { name: 'DataError', message: /^step: accuracy: / });
    const of = accuracy().of('labels');
    assert.throws(() => of.validate({ labels }, { labels: [5, 3] }), { name: 'DataError', message: /^accuracy: / });
  });
});

describe('positive: 0', () => {
  it('is the figure of class 0, of one logit a row as of two', async () => {
    const x = array([[1], [-1], [-2], [3], [-1]]);
    const y = array([[1], [0], [1], [0], [0]]);
    const metrics = [precision({ positive: 0 }), recall({ positive: 0 }), f1({ positive: 0 })];
    const { loss: _, ...got } = await passing(new BCEWithLogitsLoss(), metrics).evaluate({ x, y }, { batchSize: 2 });
    assert.deepEqual(got, { precision: 2 / 3, recall: 2 / 3, f1: 2 / 3 });
    const two = array([...x.data].map((logit) => [0, logit]));
    const { loss: __, ...same } = await passing(new CrossEntropyLoss(), metrics).evaluate({ x: two, y: array(Int32Array.from(y.data)) });
    assert.deepEqual(same, got);
  });
});
