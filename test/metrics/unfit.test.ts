/** Predictions and targets that metrics and losses would make nonsense of. */
import assert from 'node:assert/strict';
import {
  CrossEntropyLoss,
  type Loss,
  MSELoss,
  type Metric,
  NLLLoss,
  type NdArray,
  type Tensor,
  accuracy,
  array,
  auc,
  bitsPerCharacter,
  compile,
  f1,
  perplexity,
  precision,
  recall,
  topK,
} from '../../lib/index.js';
import { passing } from '../support/pass.js';

const evaluated = async (metric: Metric, x: NdArray, y: NdArray): Promise<number> => {
  const figures: Record<string, number> = await passing(new MSELoss({ ignoreNaN: true }), [metric]).evaluate({ x, y });
  return figures[metric.name]!;
};

describe('scores [N] without a dimension of classes', () => {
  const message = (what: string): RegExp =>
    new RegExp(
      `${what}: expected a score for each class, \\[N, C\\] or \\[\\.\\.\\., C\\], got \\[4\\]. Of one score a row use BCEWithLogitsLoss and accuracy\\(\\); give one sample as \\[1, C\\].`,
    );
  const batch = { x: array([1, 2, 3, 4]), y: array([0, 1, 0, 0]) };
  const losses: readonly (readonly [string, Loss])[] = [
    ['CrossEntropyLoss', new CrossEntropyLoss()],
    ['NLLLoss', new NLLLoss()],
  ];
  for (const [name, loss] of losses)
    it(`are refused by ${name}`, () => assert.rejects(passing(loss).fit(batch), { name: 'ShapeError', message: message(name) }));
  for (const metric of [topK(1), perplexity()])
    it(`are refused by ${metric.name}`, () =>
      assert.rejects(passing(new MSELoss(), [metric]).evaluate(batch), { name: 'ShapeError', message: message(metric.name) }));
});

describe('targets of decisions by a threshold', () => {
  const cases: readonly (readonly [Metric, NdArray, NdArray, string])[] = [
    [accuracy(), array([1, -1, 1]), array(Int32Array.of(1, 2, 1)), '2 at row 1'],
    [accuracy(), array([[1], [-1]]), array(Uint8Array.of(0, 255)), '255 at row 1'],
    [accuracy({ multiLabel: true }), array([[1, 2], [-1, 0]]), array([[0, 1], [1, -3]]), '-3 at row 1 [1]'], // prettier-ignore
    [precision(), array([1, -1]), array([7.5, 0]), '7.5 at row 0'],
    [recall(), array([1, -1]), array([0, Infinity]), 'Infinity at row 1'],
    [f1(), array([1, -1]), array([0, -1]), '-1 at row 1'],
    [auc(), array([[1], [-1]]), array([[0], [2]]), '2 at row 1 [0]'],
  ];
  for (const [metric, x, y, got] of cases) {
    it(`beyond [0, 1] are refused by ${metric.name}: ${got}`, () => {
      const message = `${metric.name}: expected targets in [0, 1], got ${got}. Relabel the targets 0 and 1; of numbers use mae() or rmse().`;
      assert.throws(() => metric.validate(y, x.shape), { name: 'DataError', message });
    });
  }
  it('beyond [0, 1] are refused by evaluate', () =>
    assert.rejects(evaluated(accuracy(), array([1, -1]), array([1, 2])), /accuracy: expected targets in \[0, 1\], got 2 at row 1\./));
  it('may be NaN, and probabilities', async () => assert.equal(await evaluated(accuracy(), array([1, 1, -1]), array([0.7, NaN, 0])), 1));
});

describe('class ids that are no class', () => {
  const x = array([[1, 2], [-1, 0], [3, 1]]); // prettier-ignore
  const metrics = [accuracy(), topK(1), precision(), recall({ positive: 0 }), f1({ average: 'macro' }), perplexity(), bitsPerCharacter()];
  const wrong: readonly (readonly [NdArray, string, string])[] = [
    [array(Int32Array.of(0, -1, 1)), '-1', 'Number the classes from 0, or leave rows of it out by ignoreIndex: -1.'],
    [array(Uint8Array.of(0, 255, 1)), '255', 'Number the classes from 0, or leave rows of it out by ignoreIndex: 255.'],
    [array([0, 0.5, 1]), '0.5', 'Give whole numbers, or learn numbers by MSELoss.'],
  ];
  for (const metric of metrics) {
    for (const [y, got, advice] of wrong)
      it(`are refused by ${metric.name}: ${got}`, () => {
        const message = `${metric.name}: expected class ids 0 … 1, got ${got} at row 1. ${advice}`;
        assert.throws(() => metric.validate(y, x.shape), { name: 'DataError', message });
      });
  }
  it('are refused by evaluate, though the loss leaves them out', () =>
    assert.rejects(passing(new CrossEntropyLoss({ ignoreIndex: -1 }), [accuracy()]).evaluate({ x, y: array(Int32Array.of(0, -1, 1)) }), {
      name: 'DataError',
      message: /^evaluate: accuracy: expected class ids 0 … 1, got -1 at row 1\./,
    }));
  it('are right for none of those that leave them out', async () => {
    const own = { ignoreIndex: -1 };
    const trainer = passing(new CrossEntropyLoss(own), [accuracy(own), topK(1, own), f1(own), perplexity(own)]);
    for (const y of [Int32Array.of(1, -1, 1), Float32Array.of(1, -1, 1)]) {
      const { accuracy, top1, f1 } = await trainer.evaluate({ x, y: array(y) });
      assert.deepEqual([accuracy, top1, f1], [1 / 2, 1 / 2, 2 / 3]);
    }
  });
  it('stop topK where a part gives them, past all validation', () => {
    const metric = topK(1).as('part', (p: Tensor, t: Tensor) => [p, t]);
    return assert.rejects(passing(new CrossEntropyLoss({ ignoreIndex: -1 }), [metric]).evaluate({ x, y: array(Int32Array.of(0, -1, 1)) }), {
      name: 'DataError',
      message: /expected an index in 0 … 1, got -1 at position 1/,
    });
  });
});

describe('a prediction that is NaN', () => {
  const cases: readonly (readonly [string, Metric, NdArray, NdArray, number])[] = [
    ['where it is the largest of a row', accuracy(), array([[NaN, 1], [2, 1]]), array(Int32Array.of(0, 0)), 1 / 2], // prettier-ignore
    ['anywhere in a row', accuracy(), array([[3, NaN], [2, 1]]), array(Int32Array.of(1, 0)), 1 / 2], // prettier-ignore
    ['of one a row', accuracy(), array([NaN, NaN, -1, 1]), array([0, 1, 0, 1]), 1 / 2],
    ['of labels', accuracy({ multiLabel: true }), array([[NaN, 1]]), array([[0, 1]]), 1 / 2],
    ['of a class', recall({ positive: 0 }), array([[NaN, 1], [2, 1]]), array(Int32Array.of(0, 0)), 1 / 2], // prettier-ignore
    ['of the negative class', recall({ positive: 0 }), array([NaN, -1]), array([0, 0]), 1 / 2],
    ['of all classes', recall({ average: 'macro' }), array([NaN, -1, 1]), array([0, 0, 1]), 3 / 4],
    ['of all labels', precision({ average: 'macro', multiLabel: true }), array([[NaN], [1]]), array([[1], [1]]), 1],
  ];
  for (const [name, metric, x, y, expected] of cases) {
    it(`${name} is wrong in ${metric.name}`, () => {
      const figures = compile((p: Tensor, t: Tensor) => metric.forward(p, t)).sync(x, y).data;
      assert.equal(metric.finish(Float64Array.from(figures)), expected);
    });
  }
});
