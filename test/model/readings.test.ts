/** Calls of many batches see the weights of one moment, whatever trains or sets them meanwhile. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import {
  GRU,
  Linear,
  Metric,
  MSELoss,
  type NdArray,
  ReLU,
  SGD,
  Sequential,
  type Tensor,
  Trainer,
  array,
  mean,
  square,
} from '../../lib/index.js';
import { sample } from '../support/check-op.js';

const rows = 40_000;
/** Always the same row, so that its predictions differ only by the weights. */
const same = array(Float32Array.from({ length: rows * 4 }, (_, i) => (i % 4) - 1), [rows, 4]); // prettier-ignore
const targets = array(new Float32Array(rows), [rows, 1]);
const examples = { x: sample([200, 4]), y: array(new Float32Array(200).fill(5), [200, 1]) };

const network = (seed = 1): Sequential => new Sequential([new Linear(64), new ReLU(), new Linear(64), new ReLU(), new Linear(1)], { seed });
const trainerOf = (model: Sequential): Trainer =>
  new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.01 }), metrics: [new Mean('mean'), new Mean('meanSquare')] });

/** Of the predictions, or of their squares. */
class Mean extends Metric {
  constructor(readonly name: 'mean' | 'meanSquare') {
    super();
  }

  forward(prediction: Tensor): Tensor {
    return mean(this.name === 'mean' ? prediction : square(prediction));
  }
}

function distinct({ data }: NdArray): number {
  return new Set(data).size;
}

function values(model: Sequential): number[] {
  return [...model.weights().values()].flatMap(({ data }) => [...data]);
}

describe('the weights of one moment', () => {
  it('are those of a prediction during which a fit begins, and the fit has the bits it has alone', async () => {
    const alone = network();
    await trainerOf(alone).fit(examples, { epochs: 3, batchSize: 10 });
    for (const delay of [0, 1, 3]) {
      const model = network().build([4]);
      const before = model.predictSync(same.rows(0, 1)).data[0];
      const prediction = model.predict(same, { batchSize: 50 });
      await setTimeout(delay);
      await trainerOf(model).fit(examples, { epochs: 3, batchSize: 10 });
      const result = await prediction;
      assert.equal(distinct(result), 1);
      assert.equal(result.data[0], before);
      assert.deepEqual(values(model), values(alone));
      assert.notEqual((await model.predict(same.rows(0, 1))).data[0], before);
    }
  });
  it('are those of an evaluation during which steps are made, of arrays and of batches', async () => {
    const batches = { steps: 50, *[Symbol.iterator]() { for (let i = 0; i < 50; i++) yield { x: same.rows(0, 800), y: targets.rows(0, 800) }; } }; // prettier-ignore
    for (const data of [{ x: same, y: targets }, batches]) {
      const trainer = trainerOf(network());
      const before = (await trainer.evaluate({ x: same.rows(0, 1), y: targets.rows(0, 1) }))['mean']!;
      let isOver = false;
      const evaluation = trainer.evaluate(data).finally(() => (isOver = true));
      await setTimeout(1);
      while (!isOver) await trainer.step(examples);
      const figures = await evaluation;
      assert.ok(Math.abs(figures['mean']! - before) < 1e-6 * Math.abs(before), `${figures['mean']} after ${before}`);
      assert.ok(Math.abs(figures['meanSquare']! - before ** 2) < 1e-5 * before ** 2);
    }
  });
  it('are those of predictions within a fit, on this thread and off it', async () => {
    const model = network();
    const stop = new AbortController();
    const fit = trainerOf(model).fit(examples, { epochs: 1e6, batchSize: 10, signal: stop.signal });
    const ended = assert.rejects(fit, { name: 'AbortError' });
    await setTimeout(50);
    for (let i = 0; i < 10; i++) {
      assert.equal(distinct(model.predictSync(same.rows(0, 5000), { batchSize: 50 })), 1);
      assert.equal(distinct(await model.predict(same.rows(0, 5000), { batchSize: 50 })), 1);
      await setTimeout(1);
    }
    stop.abort();
    await ended;
  });
  it('are the old ones in a prediction during which others are set, and afterwards the new ones', async () => {
    const [model, other] = [network(1).build([4]), network(2).build([4])];
    const all = [model, other].map((one) => ({ weights: one.weights(), output: one.predictSync(same.rows(0, 1)).data[0] }));
    for (let i = 0; i < 20; i++) {
      const [old, fresh] = [all[i % 2]!, all[(i + 1) % 2]!];
      const prediction = model.predict(same, { batchSize: 50 });
      if (i % 3 !== 0) await setTimeout(i % 3);
      model.setWeights(fresh.weights);
      assert.equal(model.predictSync(same.rows(0, 1)).data[0], fresh.output);
      const result = await prediction;
      assert.equal(distinct(result), 1);
      assert.equal(result.data[0], old.output);
      assert.equal((await model.predict(same.rows(0, 1))).data[0], fresh.output);
    }
  });
  it('are those of the call, of a single batch and of an evaluation too, whatever is set or trained after it', async () => {
    const model = network(1).build([4]);
    const one = same.rows(0, 1);
    const { data } = model.predictSync(one);
    const trainer = trainerOf(model);
    const evaluated = await trainer.evaluate({ x: one, y: targets.rows(0, 1) });
    for (const change of [
      async () => model.setWeights(network(2).build([4]).weights()),
      () => trainer.step(examples),
      () => trainer.fit(examples),
    ]) {
      const weights = model.weights();
      const predictions = Array.from({ length: 50 }, () => model.predict(one));
      const evaluations = [same.rows(0, 500), one].map((x) => trainer.evaluate({ x, y: targets.rows(0, x.shape[0]!) }));
      await change();
      for (const prediction of await Promise.all(predictions)) assert.deepEqual(prediction.data, data);
      for (const figures of await Promise.all(evaluations)) assert.ok(Math.abs(figures['loss'] / evaluated['loss'] - 1) < 1e-6);
      assert.notDeepEqual(model.predictSync(one).data, data);
      model.setWeights(weights);
    }
  });
  it('are those of a part while the whole trains, and a stream goes on with the new ones', async () => {
    const recurrent = new GRU(4);
    const model = new Sequential([recurrent, new Linear(1)], { seed: 1 });
    const x = array(same.data.subarray(0, 4 * 5000), [5000, 1, 4]);
    const data = { x: sample([200, 1, 4]), y: array(new Float32Array(200).fill(5), [200, 1, 1]) };
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) });
    await trainer.fit(data);
    const stream = model.stream();
    const step = (): number => {
      stream.reset();
      return stream.step(array(x.data.subarray(0, 4), [1, 4])).data[0]!;
    };
    const prediction = recurrent.predict(x, { batchSize: 10 });
    const before = step();
    await setTimeout(1);
    await trainer.fit(data, { epochs: 5 });
    assert.equal(distinct(await prediction), 4);
    assert.notEqual(step(), before);
    assert.equal(step(), model.predictSync(x.rows(0, 1)).data[0]);
  });
});
