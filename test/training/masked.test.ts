/** Rows, steps and values that do not count, in losses and metrics, however they fall into batches. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Adam,
  BCEWithLogitsLoss,
  type Batch,
  BucketedBatches,
  CrossEntropyLoss,
  HuberLoss,
  PoissonNLLLoss,
  QuantileLoss,
  L1Loss,
  LSTM,
  Layer,
  Linear,
  type Loss,
  MSELoss,
  NLLLoss,
  type NdArray,
  SGD,
  type Scope,
  Sequential,
  type Tensor,
  Trainer,
  accuracy,
  array,
  gradcheck,
  mae,
  perplexity,
  rmse,
  topK,
} from '../../lib/index.js';
import { sample } from '../support/check-op.js';
import { passing } from '../support/pass.js';

const logits = sample([6, 3, 4], 1);
/** Rows of 3, 1, 0, 2, 3 and 0 ids. */
const ids = array(Int32Array.of(0, 3, 1, 2, -1, -1, -1, -1, -1, 1, 1, -1, 0, 2, 3, -1, -1, -1), [6, 3]);
const data: Batch = { x: logits, y: ids };
const near = (a: number, b: number, what: string): void =>
  assert.ok(Math.abs(a - b) <= 16 * 2 ** -23 * Math.abs(b), `${what}: ${a} and ${b}`);

describe('what does not count', () => {
  const weight = [1, 2, 0.5, 3];
  const losses: readonly (readonly [string, Loss])[] = [
    ['CrossEntropyLoss', new CrossEntropyLoss({ ignoreIndex: -1 })],
    ['CrossEntropyLoss with weights', new CrossEntropyLoss({ ignoreIndex: -1, weight })],
    ['CrossEntropyLoss with smoothing', new CrossEntropyLoss({ ignoreIndex: -1, labelSmoothing: 0.1 })],
    ['NLLLoss', new NLLLoss({ ignoreIndex: -1, weight })],
    ['CrossEntropyLoss, sum', new CrossEntropyLoss({ ignoreIndex: -1, reduction: 'sum' })],
  ];
  for (const [name, loss] of losses) {
    it(`${name} is the same in batches of any size, with batches of nothing`, async () => {
      const trainer = passing(loss, [perplexity({ ignoreIndex: -1 }), accuracy({ ignoreIndex: -1 }), topK(2, { ignoreIndex: -1 })]);
      const whole = await trainer.evaluate(data);
      for (const batchSize of [1, 2, 4]) {
        const parts = await trainer.evaluate(data, { batchSize });
        for (const key of Object.keys(whole)) near(parts[key]!, whole[key]!, `${key} of ${batchSize}`);
      }
      if (loss.reduction !== 'sum' && name === 'CrossEntropyLoss') near(Math.log(whole.perplexity!), whole.loss, 'entropy');
    });
    it(`${name}: a batch of nothing trains nothing`, async () => {
      const trainer = passing(loss, [], 1);
      const before = (await trainer.predict(logits)).data;
      await trainer.fit({ x: logits, y: array(new Int32Array(18).fill(-1), [6, 3]) });
      assert.deepEqual((await trainer.predict(logits)).data, before);
    });
  }

  it('accuracy and topK leave padding out', async () => {
    const right = new Float32Array(72).fill(0);
    ids.data.forEach((id, i) => (right[4 * i + Math.max(id, 0)] = 1));
    right[0] = -1; // The first of nine is wrong, and the last of the four.
    const trainer = passing(new CrossEntropyLoss({ ignoreIndex: -1 }), [accuracy({ ignoreIndex: -1 }), topK(3, { ignoreIndex: -1 })]);
    const { accuracy: share, top3 } = await trainer.evaluate({ x: array(right, [6, 3, 4]), y: ids }, { batchSize: 4 });
    near(share!, 8 / 9, 'accuracy');
    near(top3!, 8 / 9, 'top3');
  });

  const prediction = sample([5, 4], 2);
  const target = array(
    Float32Array.from({ length: 20 }, (_, i) => (i % 3 === 0 || i > 15 ? NaN : Math.abs(Math.sin(i)))),
    [5, 4],
  );
  const numbers: readonly (readonly [string, Loss, (x: number, y: number) => number])[] = [
    ['MSELoss', new MSELoss({ ignoreNaN: true }), (x, y) => (x - y) ** 2],
    ['L1Loss', new L1Loss({ ignoreNaN: true }), (x, y) => Math.abs(x - y)],
    [
      'HuberLoss',
      new HuberLoss({ ignoreNaN: true, delta: 0.5 }),
      (x, y) => (Math.abs(x - y) <= 0.5 ? (x - y) ** 2 / 2 : (Math.abs(x - y) - 0.25) / 2),
    ],
    ['BCEWithLogitsLoss', new BCEWithLogitsLoss({ ignoreNaN: true }), (x, y) => Math.log1p(Math.exp(x)) - y * x],
    ['MSELoss, sum', new MSELoss({ ignoreNaN: true, reduction: 'sum' }), (x, y) => (x - y) ** 2],
    ['PoissonNLLLoss', new PoissonNLLLoss({ ignoreNaN: true }), (x, y) => Math.exp(x) - y * x],
    ['QuantileLoss', new QuantileLoss({ ignoreNaN: true, quantiles: 0.8 }), (x, y) => Math.max(0.8 * (y - x), 0.2 * (x - y))],
  ];
  for (const [name, loss, of] of numbers) {
    it(`${name} leaves targets out that are NaN`, async () => {
      const kept = [...target.data].flatMap((y, i) => (Number.isNaN(y) ? [] : [of(prediction.data[i]!, y)]));
      const expected = kept.reduce((a, b) => a + b) / (loss.reduction === 'sum' ? 1 : kept.length);
      for (const batchSize of [1, 2, 5]) near((await passing(loss).evaluate({ x: prediction, y: target }, { batchSize })).loss, expected, `of ${batchSize}`); // prettier-ignore
      const trainer = passing(loss, [], 0.1);
      await trainer.fit({ x: prediction, y: target }, { batchSize: 1, epochs: 2, checkFinite: true });
      assert.ok((await trainer.predict(prediction)).data.every(Number.isFinite));
    });
    // Not where HuberLoss bends, which a difference does not see.
    if (!(loss instanceof HuberLoss))
      it(`${name}: the gradient where some targets are NaN`, async () => {
        const result = await gradcheck(new Linear(4), [sample([5, 3], 4)], { loss: { loss, target } });
        assert.ok(result.passed, JSON.stringify(result));
      });
  }
  it('mae and rmse leave targets out that are NaN', async () => {
    const errors = [...target.data].flatMap((y, i) => (Number.isNaN(y) ? [] : [prediction.data[i]! - y]));
    const trainer = passing(new MSELoss({ ignoreNaN: true }), [mae({ ignoreNaN: true }), rmse({ ignoreNaN: true })]);
    const got = await trainer.evaluate({ x: prediction, y: target }, { batchSize: 2 });
    near(got.mae!, errors.reduce((sum, e) => sum + Math.abs(e), 0) / errors.length, 'mae');
    near(got.rmse!, Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length), 'rmse');
  });
  it('NaN is refused where it is not left out', () =>
    assert.rejects(passing(new BCEWithLogitsLoss()).evaluate({ x: prediction, y: target }), {
      name: 'DataError',
      message: /got NaN at row 0/,
    }));
});

describe('sequences of different lengths', () => {
  class Net extends Layer<[Tensor, Tensor]> {
    override readonly seed = 1;
    readonly rnn: LSTM = new LSTM(8);
    readonly head: Linear = new Linear(1);
    forward(...args: [Tensor, Tensor, Scope]): Tensor {
      const scope = args.at(-1) as Scope;
      return scope.call('head', this.head, scope.call('rnn', this.rnn, ...(args.slice(0, -1) as [Tensor, Tensor])));
    }
  }
  const lengths = [3, 7, 5, 2, 6, 4, 7, 1];
  const x = lengths.map((t, i) => sample([t, 2], i));
  const y = x.map((row) =>
    array(
      Float32Array.from({ length: row.shape[0]! }, (_, t) => row.data[2 * t]! - row.data[2 * t + 1]!),
      [row.shape[0]!, 1],
    ),
  );
  const batches = (shuffle: boolean): BucketedBatches => new BucketedBatches({ x, y }, { batchSize: 2, buckets: 2, shuffle });

  it('train and are evaluated in batches as they come', async () => {
    const model = new Net();
    const trainer = new Trainer(model, { loss: new MSELoss({ ignoreNaN: true }), optimizer: new Adam({ lr: 0.02 }) });
    const history = await trainer.fit(batches(true), { epochs: 60, validation: batches(false) });
    assert.ok(history.last!.metrics.valLoss! < 0.1 * history.epochs[0]!.metrics.valLoss!, String(history.last!.metrics.valLoss));
    const { loss } = await trainer.evaluate(batches(false));
    let [sum, count] = [0, 0];
    for (const [i, row] of x.entries()) {
      const one = await model.predict([array(row.data, [1, ...row.shape]), array(Int32Array.of(lengths[i]!))]);
      one.data.forEach((value, t) => (sum += (value - y[i]!.data[t]!) ** 2));
      count += lengths[i]!;
    }
    near(loss, sum / count, 'mean over all steps');
    await assert.rejects(trainer.evaluate(batches(false), { batchSize: 2 }), { name: 'OptionError', message: /expected no batchSize/ });
  });
  it('a model trained with lengths streams without them', async () => {
    const model = new Net();
    const row = array(x[1]!.data, [1, 7, 2]);
    const whole = await model.predict([row, array(Int32Array.of(7))]);
    const stream = model.stream();
    const steps = Array.from({ length: 7 }, (_, t) => stream.step(array(row.data.slice(2 * t, 2 * t + 2), [1, 2])).data[0]!);
    assert.deepEqual(Float32Array.from(steps), whole.data);
    assert.deepEqual((await model.predict(row)).data, whole.data);
    for (const states of [undefined, {}, [], new Map([['rnn.h0', new Float32Array(8)]])]) {
      assert.throws(() => stream.setState(states as never), { name: 'OptionError', message: /setState: expected a Map of arrays/ });
    }
  });
  it('a model that needs its lengths says so', () => {
    class Needs extends Layer<[Tensor, Tensor]> {
      forward(x: Tensor, lengths: Tensor, scope: Scope): Tensor {
        return scope.call('rnn', new LSTM(2), x, lengths);
      }
    }
    assert.throws(() => new Needs().build([[3, 2], []], { dtypes: ['float32', 'int32'] }).stream(), {
      message: /^Needs.stream: expected a model of sequences .*: Needs: expected 2 inputs, got 1/,
    });
  });
});

describe('carried states in a validation', () => {
  it('go on in rows of the training', async () => {
    const model = new Sequential([new LSTM(3), new Linear(1)], { seed: 1 });
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0 }) });
    const rows: Batch = { x: sample([128, 4, 2], 1), y: sample([128, 4, 1], 2) };
    const { metrics, loss } = (await trainer.fit(rows, { carryState: true, validation: rows })).last!;
    near(metrics.valLoss!, loss, 'arrays, by 32 rows');
    const parts = [0, 16, 32, 48, 64, 80, 96, 112].map((at) => ({ x: (rows.x as NdArray).rows(at, at + 16), y: rows.y.rows(at, at + 16) }));
    const streamed = (await trainer.fit(parts, { carryState: true, validation: rows })).last!;
    near(streamed.metrics.valLoss!, streamed.loss, 'batches, by 16 rows');
    assert.ok(Math.abs(streamed.loss - loss) > 1e-5, 'rows go on in other rows');
    near((await trainer.fit(parts, { carryState: true, validation: parts })).last!.metrics.valLoss!, streamed.loss, 'batches by batches');
    near((await trainer.evaluate(parts, { carryState: true })).loss, streamed.loss, 'evaluate');
    await assert.rejects(trainer.evaluate(rows, { carryState: true }), {
      name: 'OptionError',
      message: /expected batchSize with carryState/,
    });
    await assert.rejects(trainer.evaluate([parts[0]!, rows], { carryState: true }), {
      name: 'DataError',
      message: /expected 16 rows in every batch/,
    });
  });
  it('are zeros after a checkpoint is loaded', async () => {
    const model = new Sequential([new LSTM(3), new Linear(1)], { seed: 1 });
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0 }) });
    const batch: Batch = { x: sample([2, 4, 2], 1), y: sample([2, 4, 1], 2) };
    const fresh = await trainer.step(batch, { carryState: true });
    const folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    const path = join(folder, 'trainer.safetensors');
    await trainer.save(path);
    assert.notDeepEqual(await trainer.step(batch, { carryState: true }), fresh);
    await trainer.load(path);
    assert.deepEqual(await trainer.step(batch, { carryState: true }), fresh);
    await rm(folder, { recursive: true });
  });
});
