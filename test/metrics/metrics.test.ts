import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { MemorySlot } from '../../lib/graph/source.js';
import { ones } from '../../lib/init.js';
import { type Layer, Linear } from '../../lib/layers/index.js';
import { CrossEntropyLoss, type Loss, MSELoss } from '../../lib/losses/index.js';
import { slice } from '../../lib/ops/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import type { Batch } from '../../lib/training/batch.js';
import type { Place } from '../../lib/training/results.js';
import { Totals } from '../../lib/training/totals.js';
import { Trainer } from '../../lib/training/trainer.js';
import { type Metric, accuracy, bitsPerCharacter, f1, mae, perplexity, precision, recall, rmse, topK } from '../../lib/metrics/index.js';

const scores = array([[3, 1, 2], [0, 5, 1], [1, 2, 9], [4, 3, 2]]); // prettier-ignore
const ids = array(Int32Array.of(0, 1, 1, 2));

function measure(metric: Metric, prediction: NdArray, target: NdArray): number {
  return metric.finish(Float64Array.from(compile((p: Tensor, t: Tensor) => metric.forward(p, t)).sync(prediction, target).data));
}

const cases: readonly (readonly [string, Metric, NdArray, NdArray, number])[] = [
  ['accuracy of class ids', accuracy(), scores, ids, 0.5],
  ['accuracy of class ids as bytes', accuracy(), scores, array(Uint8Array.of(0, 1, 2, 2)), 0.75],
  ['accuracy of class ids as floats', accuracy(), scores, array([0, 1, 2, 0]), 1],
  ['accuracy of one-hot rows', accuracy(), scores, array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [0.2, 0.5, 0.3]]), 0.5], // prettier-ignore
  ['accuracy of sequences', accuracy(), array([[[1, 2], [2, 1]], [[3, 4], [4, 5]]]), array(Int32Array.of(1, 0, 0, 1), [2, 2]), 0.75], // prettier-ignore
  ['accuracy of logits [N, 1]', accuracy(), array([[-1], [2], [0.3], [0]]), array([[0], [1], [0], [0]]), 0.75],
  ['accuracy of logits [N, 1], targets [N]', accuracy(), array([[-1], [2]]), array([0, 1]), 1],
  ['accuracy of logits [N]', accuracy(), array([-1, 2]), array([1, 1]), 0.5],
  ['accuracy of probabilities', accuracy({ threshold: 0.5 }), array([[0.4], [0.6]]), array([[0], [1]]), 1],
  ['top 1', topK(1), scores, ids, 0.5],
  ['top 2', topK(2), scores, ids, 0.75],
  ['top 3', topK(3), scores, ids, 1],
  ['top 1 of equal scores, as accuracy', topK(1), array([[5, 5, 5], [5, 5, 5], [1, 5, 5], [1, 5, 5]]), array(Int32Array.of(0, 1, 1, 2)), 0.5], // prettier-ignore
  ['top 2 of equal scores', topK(2), array([[5, 5, 5], [5, 5, 5]]), array(Int32Array.of(1, 2)), 0.5], // prettier-ignore
  ['top 2 with NaN above all', topK(2), array([[NaN, 1, 2]]), array(Int32Array.of(1)), 0],
  ['mae', mae(), array([1, 2, 4]), array([1, 4, 0]), 2],
  ['rmse', rmse(), array([1, 2]), array([4, 6]), Math.sqrt(12.5)],
];

describe('metrics', () => {
  for (const [name, metric, prediction, target, expected] of cases) {
    it(name, () => assert.equal(measure(metric, prediction, target), expected));
  }
  it('are named', () =>
    assert.deepEqual(
      [accuracy(), topK(5), mae(), rmse()].map(({ name }) => name),
      ['accuracy', 'top5', 'mae', 'rmse'],
    ));

  // Logits of ln 1 and ln 3: probabilities of ¼ and ¾.
  const quarters = array(
    Float32Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 0 : Math.log(3))),
    [2, 3, 2],
  );
  const tokens = array(Int32Array.of(1, 1, 0, 0, 1, 0), [2, 3]);
  const padded = array(Int32Array.of(1, -1, 0, -1, 1, -1), [2, 3]);
  const entropy = (rights: number, wrongs: number): number => -(rights * Math.log(3 / 4) + wrongs * Math.log(1 / 4)) / (rights + wrongs);
  const ofTokens: readonly (readonly [string, Metric, NdArray, number])[] = [
    ['perplexity', perplexity(), tokens, Math.exp(entropy(3, 3))],
    ['perplexity without padding', perplexity({ ignoreIndex: -1 }), padded, Math.exp(entropy(2, 1))],
    ['bitsPerCharacter', bitsPerCharacter(), tokens, entropy(3, 3) / Math.LN2],
    ['bitsPerCharacter without padding', bitsPerCharacter({ ignoreIndex: -1 }), padded, entropy(2, 1) / Math.LN2],
  ];
  for (const [name, metric, target, expected] of ofTokens) {
    // Six logarithms and their sum, each within a few units in the last place.
    it(name, () => assert.ok(Math.abs(measure(metric, quarters, target) - expected) < 16 * 2 ** -23 * expected));
  }
  it('precision, recall and f1 are quotients of all counts, however the rows fall into batches', async () => {
    // Foretold and actual: both, foretold alone, actual alone, neither, in batches that lack some of them.
    const foretold = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
    const actual = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0];
    const expected = { precision: 3 / 5, recall: 3 / 4, f1: 6 / 9 };
    const trainerOf = (model: Layer, loss: Loss, options = {}): Trainer =>
      new Trainer(model, { loss, optimizer: new SGD(), metrics: [precision(options), recall(options), f1(options)] });
    const agree = async (trainer: Trainer, rows: Batch): Promise<void> => {
      for (const batchSize of [1, 3, 10]) {
        const got = await trainer.evaluate(rows, { batchSize });
        for (const [name, value] of Object.entries(expected)) assert.ok(Math.abs(got[name]! - value) < 1e-6, `${name} ${got[name]}`);
      }
    };
    const one = trainerOf(new Linear(1, { bias: false, weightInit: ones() }), new MSELoss());
    await agree(one, { x: array(foretold.map((p) => [2 * p - 1])), y: array(actual.map((y) => [y])) });
    const identity = new Linear(3, { bias: false, weightInit: () => Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) });
    const three = trainerOf(identity, new CrossEntropyLoss(), { positive: 2 });
    await agree(three, { x: array(foretold.map((p) => [0, 1 - p, p])), y: array(Int32Array.from(actual, (y) => 2 * y)) });
    assert.ok(Number.isNaN((await one.evaluate({ x: array([[-1]]), y: array([[0]]) })).precision));
    assert.throws(() => precision({ positive: -1 }), {
      name: 'OptionError',
      message: /^precision: expected a whole number ≥ 0 for positive/,
    });
  });
  it('precision, recall and f1 leave padding out', async () => {
    const identity = new Linear(3, { bias: false, weightInit: () => Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) });
    const metrics = [precision({ ignoreIndex: -1 }), recall({ ignoreIndex: -1 }), f1({ ignoreIndex: -1 })];
    const trainer = new Trainer(identity, { loss: new CrossEntropyLoss({ ignoreIndex: -1 }), optimizer: new SGD(), metrics });
    const said = [1, 1, 2, 1, 1, 0];
    const x = array(said.map((id) => [0, 1, 2].map((k) => Number(k === id))));
    const { loss: _, ...got } = await trainer.evaluate({ x, y: array(Int32Array.of(1, 1, 2, -1, -1, 1)) });
    assert.deepEqual(got, { precision: 1, recall: 2 / 3, f1: 4 / 5 });
  });
  it('a metric under other names, of a part of what is predicted', async () => {
    const identity = new Linear(3, { bias: false, weightInit: () => Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) });
    const firstTwo = (prediction: Tensor, target: Tensor): [Tensor, Tensor] => [slice(prediction, [0, 0], [-1, 2]), target];
    const metrics = [
      f1({ positive: 0 }).as('f1 of 0'),
      f1({ positive: 1 }).as('f1 of 1'),
      accuracy().as('of two', firstTwo),
      rmse().as('distance', (p) => [p, p]),
    ];
    const trainer = new Trainer(identity, { loss: new CrossEntropyLoss(), optimizer: new SGD(), metrics });
    const { loss: _, ...got } = await trainer.evaluate({ x: array([[2, 1, 3], [0, 1, 0], [1, 0, 0]]), y: array(Int32Array.of(0, 1, 0)) }); // prettier-ignore
    assert.deepEqual(got, { 'f1 of 0': 2 / 3, 'f1 of 1': 1, 'of two': 1, distance: 0 });
    const tokens = perplexity({ ignoreIndex: -1 }).as('tokens');
    assert.equal(tokens.finish(Float64Array.of(0)), 1);
    assert.throws(() => rmse().as(''), { name: 'OptionError', message: "as: expected a name for name, got ''." });
  });
  it('means of batches of other lengths are those of all tokens', async () => {
    const identity = new Linear(3, { bias: false, weightInit: () => Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) });
    const trainer = new Trainer(identity, {
      loss: new CrossEntropyLoss(),
      optimizer: new SGD({ lr: 0 }),
      metrics: [accuracy(), perplexity()],
    });
    const scoresOf = (t: number): NdArray =>
      array(
        Float32Array.from({ length: 6 * t }, (_, i) => Math.sin(i)),
        [2, t, 3],
      );
    const idsOf = (t: number): NdArray =>
      array(
        Int32Array.from({ length: 2 * t }, (_, i) => (i * i) % 3),
        [2, t],
      );
    const batches = [2, 3, 19].map((t) => ({ x: scoresOf(t), y: idsOf(t) }));
    const rows = (of: 'x' | 'y'): readonly number[] => batches.flatMap((batch) => [...batch[of].data]);
    const flat = { x: array(Float32Array.from(rows('x')), [48, 3]), y: array(Int32Array.from(rows('y'))) };
    const whole = new Trainer(new Linear(3, { bias: false, weightInit: identity.options.weightInit! }), {
      loss: new CrossEntropyLoss(),
      optimizer: new SGD(),
      metrics: [accuracy(), perplexity()],
    });
    const [got, expected] = [await trainer.evaluate(batches), await whole.evaluate(flat)];
    for (const name of ['loss', 'accuracy', 'perplexity'])
      assert.ok(Math.abs(got[name]! - expected[name]!) < 1e-6, `${name}: ${got[name]} and ${expected[name]}`);
    assert.ok(Math.abs((await trainer.fit(batches)).last!.loss - expected.loss) < 1e-6);
  });
  it('means over tokens are those of all tokens, however they fall into batches', () => {
    const metric = perplexity({ ignoreIndex: -1 });
    const totals = new Totals({ loss: new MSELoss(), metrics: [metric, accuracy()] });
    // loss, perplexity's mean, accuracy's mean, perplexity's weight: one token of entropy 4, then three of 2, then none.
    const place = (begin: number, weight?: number): Place => ({ begin, size: 1, weight });
    const places = { loss: place(0), metrics: [place(1, 3), place(2)], added: undefined };
    const results = { slot: new MemorySlot('results', 16, 16), width: 4, ...places };
    totals.add(Float32Array.of(1, 4, 5, 1), { ...results, count: 2 });
    totals.add(Float32Array.of(1, 2, 8, 3), { ...results, count: 4 });
    totals.add(Float32Array.of(1, NaN, 8, 0), { ...results, count: 1 });
    assert.deepEqual(totals.metrics(), { perplexity: Math.exp((4 + 3 * 2) / 4), accuracy: (2 * 5 + 4 * 8 + 8) / 7 });
  });

  const wrongShapes: readonly (readonly [Metric, NdArray, NdArray, string])[] = [
    [
      accuracy(),
      scores,
      array([1, 2]),
      'accuracy: expected class ids of shape [4] or rows of shape [4, 3] for target, got [2]. Reshape the target.',
    ],
    [topK(4), scores, ids, 'top4: expected at least k = 4 classes, got a prediction of shape [4, 3].'],
    [
      mae(),
      array([[1], [2]]),
      array([1, 2]),
      'mae: expected target of the shape of the prediction [2, 1], got [2]. Reshape the target or change the last layer.',
    ],
    [
      perplexity(),
      quarters,
      ids,
      'perplexity: expected class ids of shape [2, 3] for a prediction of shape [2, 3, 2], got [4]. Reshape the target.',
    ],
    [
      rmse(),
      array([1]),
      array([1, 2]),
      'rmse: expected target of the shape of the prediction [1], got [2]. Reshape the target or change the last layer.',
    ],
  ];
  for (const [metric, prediction, target, message] of wrongShapes) {
    it(message, () => assert.throws(() => measure(metric, prediction, target), { name: 'ShapeError', message }));
  }
  const wrongOptions: readonly (readonly [() => unknown, string])[] = [
    [() => accuracy({ threshold: NaN }), 'accuracy: expected a finite number for threshold, got NaN.'],
    [() => perplexity({ ignoreIndex: 0.5 }), 'perplexity: expected a whole number for ignoreIndex, got 0.5.'],
    [() => topK(0), 'topK: expected a whole number ≥ 1 for k, got 0.'],
  ];
  for (const [make, message] of wrongOptions) it(message, () => assert.throws(make, { name: 'OptionError', message }));
});
