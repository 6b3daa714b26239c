/** precision(), recall() and f1() with average: 'macro'. */
import assert from 'node:assert/strict';
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  type Metric,
  type NdArray,
  type Trainer,
  array,
  f1,
  precision,
  recall,
} from '../../lib/index.js';
import { near } from '../support/near.js';
import { passing } from '../support/pass.js';

const all = (options: Parameters<typeof f1>[0]): Metric[] => [precision(options), recall(options), f1(options)];

async function agrees(trainer: Trainer, x: NdArray, y: NdArray, expected: Record<string, number>): Promise<void> {
  for (const batchSize of [1, 2, 4, 100]) {
    const got = await trainer.evaluate({ x, y }, { batchSize });
    for (const [name, value] of Object.entries(expected)) near(got[name]!, value, 1e-12, `${name} in batches of ${batchSize}`);
  }
}

// Of class 0 there are 3 and 2 are found, of class 1 two and 1, of class 3 one and none; class 2 is foretold once and never there, class 4 neither.
const foretold = [0, 0, 1, 1, 2, 0];
const actual = [0, 0, 0, 1, 1, 3];
const scores = array(foretold.map((id) => [0, 1, 2, 3, 4].map((c) => Number(c === id))));
const classFigures = {
  precision: (2 / 3 + 1 / 2 + 0 + 0) / 4,
  recall: (2 / 3 + 1 / 2 + 0 + 0) / 4,
  f1: (4 / 6 + 2 / 4 + 0 + 0) / 4,
};

describe("average: 'macro'", () => {
  it('is the mean over the classes that occur, 0 / 0 being 0', async () => {
    const ids = array(Int32Array.from(actual));
    await agrees(passing(new CrossEntropyLoss(), all({ average: 'macro' })), scores, ids, classFigures);
    const rows = array(actual.map((id) => [0, 1, 2, 3, 4].map((c) => Number(c === id))));
    await agrees(passing(new CrossEntropyLoss(), all({ average: 'macro' })), scores, rows, classFigures);
  });
  it('leaves padding out', async () => {
    const x = array([...scores.data, ...scores.data], [12, 5]);
    const ids = array(Int32Array.from([...actual, ...actual.map(() => -1)]));
    const trainer = passing(new CrossEntropyLoss({ ignoreIndex: -1 }), all({ average: 'macro', ignoreIndex: -1 }));
    await agrees(trainer, x, ids, classFigures);
  });
  it('of one logit a row is the mean of both classes', async () => {
    const x = array([[1], [-1], [-2], [3], [-1]]);
    const y = array([[1], [0], [1], [0], [0]]);
    const expected = { precision: (1 / 2 + 2 / 3) / 2, recall: (1 / 2 + 2 / 3) / 2, f1: (1 / 2 + 2 / 3) / 2 };
    await agrees(passing(new BCEWithLogitsLoss(), all({ average: 'macro' })), x, y, expected);
  });
  it('with multiLabel is the mean over the labels', async () => {
    const x = array([[2, -1, -1], [-2, -3, -1], [1, 1, -1], [-1, 3, -1]]); // prettier-ignore
    const y = array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [NaN, 1, 0]]); // prettier-ignore
    const expected = { precision: (1 + 1) / 2, recall: (2 / 3 + 1) / 2, f1: (4 / 5 + 1) / 2 };
    const trainer = passing(new BCEWithLogitsLoss({ ignoreNaN: true }), all({ average: 'macro', multiLabel: true }));
    await agrees(trainer, x, y, expected);
  });
  it('is NaN where nothing counts', async () => {
    const trainer = passing(new CrossEntropyLoss({ ignoreIndex: 0, reduction: 'sum' }), all({ average: 'macro', ignoreIndex: 0 }));
    const { f1: figure } = await trainer.evaluate({ x: array([[1, 0]]), y: array(Int32Array.of(0)) });
    assert.ok(Number.isNaN(figure));
  });
  it('is of any number of classes', async () => {
    const classes = 50_000;
    const x = array(new Float32Array(classes).fill(1, 7, 8), [1, classes]);
    const trainer = passing(new CrossEntropyLoss(), all({ average: 'macro' }));
    await agrees(trainer, x, array(Int32Array.of(7)), { precision: 1, recall: 1, f1: 1 });
  });
  it('is refused beside positive, and by another name', () => {
    const options = { average: 'macro', positive: 0 } as const;
    assert.throws(() => f1(options), {
      name: 'OptionError',
      message: 'f1: expected no positive with average, where every class is in turn, got 0. Leave it out.',
    });
    assert.throws(() => f1({ average: 'micro' as 'macro' }), { name: 'OptionError', message: /^f1: expected 'macro' for average, got/ });
  });
});
