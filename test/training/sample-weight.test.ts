/** Rows that count more or less: as often as they would stand in the data. */
import assert from 'node:assert/strict';
import {
  BCEWithLogitsLoss,
  type Batch,
  CrossEntropyLoss,
  HuberLoss,
  PoissonNLLLoss,
  QuantileLoss,
  L1Loss,
  Linear,
  Loss,
  LogSoftmax,
  MSELoss,
  NLLLoss,
  type NdArray,
  SGD,
  Sequential,
  type Tensor,
  Trainer,
  accuracy,
  array,
  mean,
  square,
  sub,
  takeRows,
} from '../../lib/index.js';
import { sample } from '../support/check-op.js';
import { allNear, near } from '../support/near.js';

const counts = [2, 0, 1, 3, 1, 0, 2, 1];
const repeated = counts.flatMap((n, i) => new Array<number>(n).fill(i));
const x = sample([8, 3, 5], 1);
const classes = array(
  Int32Array.from({ length: 24 }, (_, i) => (i * 7) % 4),
  [8, 3],
);
const padded = array(classes.data.map((id, i) => (i % 5 === 0 ? -1 : id)), [8, 3]); // prettier-ignore
const numbers = sample([8, 3, 4], 2);
const missing = array(numbers.data.map((y, i) => (i % 7 === 0 ? NaN : y)), [8, 3, 4]); // prettier-ignore
const shares = array(numbers.data.map((y) => Math.abs(Math.sin(y))), [8, 3, 4]); // prettier-ignore
const probabilities = array(
  Float32Array.from({ length: 96 }, (_, i) => [0.5, 0.25, 0.125, 0.125][(i + (i >> 2)) % 4]!),
  [8, 3, 4],
);
const weight = [1, 2, 0.5, 3];
const linear = (): Sequential => new Sequential([new Linear(4)], { seed: 3 });
const logs = (): Sequential => new Sequential([new Linear(4), new LogSoftmax()], { seed: 3 });

const losses: readonly (readonly [string, Loss, NdArray, () => Sequential])[] = [
  ['MSELoss', new MSELoss(), numbers, linear],
  ['MSELoss without missing targets', new MSELoss({ ignoreNaN: true }), missing, linear],
  ['MSELoss, sum', new MSELoss({ reduction: 'sum' }), numbers, linear],
  ['L1Loss', new L1Loss(), numbers, linear],
  ['HuberLoss', new HuberLoss({ delta: 0.3 }), numbers, linear],
  ['PoissonNLLLoss', new PoissonNLLLoss(), shares, linear],
  ['QuantileLoss', new QuantileLoss({ quantiles: 0.8 }), numbers, linear],
  ['BCEWithLogitsLoss', new BCEWithLogitsLoss({ posWeight: 2 }), shares, linear],
  ['CrossEntropyLoss', new CrossEntropyLoss(), classes, linear],
  ['CrossEntropyLoss of classes and padding', new CrossEntropyLoss({ weight, ignoreIndex: -1 }), padded, linear],
  ['CrossEntropyLoss with smoothing', new CrossEntropyLoss({ weight, ignoreIndex: -1, labelSmoothing: 0.2 }), padded, linear],
  ['CrossEntropyLoss of probabilities', new CrossEntropyLoss(), probabilities, linear],
  ['NLLLoss', new NLLLoss({ weight, ignoreIndex: -1 }), padded, logs],
];
/** Sums of up to twenty-four terms, added up in another order and without fused multiply-adds on some machines, in a few steps. */
const tolerance = 64 * 2 ** -23;

describe('sampleWeight', () => {
  for (const [name, loss, y, net] of losses) {
    const weighted: Batch = { x, y, sampleWeight: array(Float32Array.from(counts)) };
    const often: Batch = { x: takeRows(x, repeated), y: takeRows(y, repeated) };
    const trainerOf = (model: Sequential): Trainer => new Trainer(model, { loss, optimizer: new SGD({ lr: 0.05 }), seed: 1 });
    it(`${name}: the loss is that of rows that stand there as often, in batches of any size`, async () => {
      const trainer = trainerOf(net());
      const { loss: expected } = await trainer.evaluate(often);
      for (const batchSize of [1, 3, 8])
        near((await trainer.evaluate(weighted, { batchSize })).loss, expected, tolerance, `of ${batchSize}`);
      near((await trainer.evaluate([weighted])).loss, expected, tolerance, 'as batches');
    });
    it(`${name}: so are its gradients`, async () => {
      const [one, other, streamed] = [net(), net(), net()];
      await trainerOf(one).fit(weighted, { batchSize: 8, epochs: 5 });
      await trainerOf(other).fit(often, { batchSize: 10, epochs: 5 });
      await trainerOf(streamed).fit([weighted], { epochs: 5 });
      const values = (model: Sequential): readonly number[] => [...model.weights().values()].flatMap(({ data }) => [...data]);
      allNear(values(one), values(other), tolerance);
      allNear(values(streamed), values(other), tolerance);
    });
  }

  const trainer = new Trainer(linear(), { loss: new CrossEntropyLoss(), optimizer: new SGD(), metrics: [accuracy()] });
  it('is no matter to metrics', async () => {
    const plain = await trainer.evaluate({ x, y: classes });
    const weighted = await trainer.evaluate({ x, y: classes, sampleWeight: array(Float32Array.from(counts)) });
    assert.equal(weighted.accuracy, plain.accuracy);
    assert.notEqual(weighted.loss, plain.loss);
  });
  it('follows its rows when they are shuffled', async () => {
    // Where a row counts its target is 1, elsewhere −1: whatever the order, what is learnt is 1.
    const n = 64;
    const on = Float32Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const data: Batch = { x: array(new Float32Array(n).fill(1), [n, 1]), y: array(on.map((w) => 2 * w - 1), [n, 1]), sampleWeight: array(on) }; // prettier-ignore
    const model = new Sequential([new Linear(1)]);
    await new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) }).fit(data, { batchSize: 8, epochs: 30 });
    assert.ok(Math.abs((await model.predict(array([[1]]))).data[0]! - 1) < 1e-3);
  });

  class Own extends Loss {
    forward(prediction: Tensor, target: Tensor): Tensor {
      return mean(square(sub(prediction, target)));
    }
  }
  const data: Batch = { x, y: numbers };
  const wrong: readonly (readonly [Loss, NdArray, string, RegExp])[] = [
    [
      new Own(),
      array(new Float32Array(8)),
      'OptionError',
      /^evaluate: Own: expected forward\(prediction, target, sampleWeight\) for data with sampleWeight/,
    ],
    [new MSELoss(), array(new Float32Array(7)), 'ShapeError', /expected the same number of rows/],
    [
      new MSELoss(),
      array(new Float32Array(8), [8, 1]),
      'ShapeError',
      /^evaluate: expected one number a row \[N\] for sampleWeight, got \[8, 1\]/,
    ],
    [new MSELoss(), array(new Int32Array(8)), 'DTypeError', /^evaluate: expected float32 for sampleWeight, got int32/],
    [
      new MSELoss(),
      array(Float32Array.of(1, 1, -1, 1, 1, 1, 1, 1)),
      'DataError',
      /^evaluate: expected numbers ≥ 0 for sampleWeight, got -1 at row 2\. Factors with a sign, .* are targets of a loss of your own: mean\(mul\(losses, advantage\)\)\.$/,
    ],
    [new MSELoss(), array(Float32Array.of(1, 1, 1, NaN, 1, 1, 1, 1)), 'DataError', /got NaN at row 3/],
  ];
  for (const [loss, sampleWeight, name, message] of wrong) {
    it(`refuses: ${String(message)}`, () =>
      assert.rejects(new Trainer(linear(), { loss, optimizer: new SGD() }).evaluate({ ...data, sampleWeight } as Batch), {
        name,
        message,
      }));
  }
});
