import assert from 'node:assert/strict';
import { Adam, CrossEntropyLoss, Dropout, Linear, MSELoss, ReLU, SGD, Sequential, Trainer, accuracy, array, l2 } from '../../lib/index.js';
import type { NdArray, Progress } from '../../lib/index.js';
import { classProblem, linearProblem } from '../support/problems.js';

const mlp = (classes: number): Sequential =>
  new Sequential([new Linear(16), new ReLU(), new Dropout(0.1), new Linear(classes)], { seed: 3 });

function flat(weights: ReadonlyMap<string, NdArray>): number[] {
  return [...weights.values()].flatMap((value) => [...value.data]);
}

describe('Trainer', () => {
  it('finds the weights of a linear map', async () => {
    const model = new Sequential([new Linear(1)], { seed: 1 });
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) });
    const history = await trainer.fit(linearProblem(64, 3), { epochs: 60, batchSize: 16 });
    assert.equal(history.epochs.length, 60);
    assert.ok(history.last!.loss < 1e-8, `loss ${history.last!.loss}`);
    const weights = model.weights();
    [1, 2, 3].forEach((expected, i) => assert.ok(Math.abs(weights.get('0.weight')!.data[i]! - expected) < 1e-3));
    assert.ok(Math.abs(weights.get('0.bias')!.data[0]! - 1) < 1e-3);
  });

  it('separates classes and reports accuracy in training, validation and evaluation', async () => {
    const data = classProblem(300, 8, 3);
    const trainer = new Trainer(mlp(3), { loss: new CrossEntropyLoss(), optimizer: new Adam({ lr: 1e-2 }), metrics: [accuracy()] });
    const history = await trainer.fit(data, { epochs: 20, batchSize: 32, validation: data });
    assert.ok(history.last!.metrics['valAccuracy']! > 0.95);
    assert.equal(history.series('valLoss').length, 20);
    const { loss, accuracy: share } = await trainer.evaluate(data);
    assert.ok(Math.abs(loss - history.last!.metrics['valLoss']!) < 1e-6);
    assert.equal(share, history.last!.metrics['valAccuracy']);
  });

  it('predicts as its model does, batch size and all', async () => {
    const { x, y } = classProblem(10, 4, 2);
    const model = mlp(2);
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD() });
    await trainer.fit({ x, y });
    assert.deepEqual(await trainer.predict(x, { batchSize: 3 }), await model.predict(x));
    await assert.rejects(trainer.predict(x, { batchSize: 0 }), { name: 'OptionError' });
  });

  it('weights the smaller last batch by its rows', async () => {
    const data = classProblem(70, 4, 2);
    const trainer = new Trainer(mlp(2), { loss: new CrossEntropyLoss(), optimizer: new SGD() });
    await trainer.fit(data, { batchSize: 32 });
    assert.equal(trainer.steps, 3);
    const whole = await trainer.evaluate(data, { batchSize: 70 });
    const parts = await trainer.evaluate(data, { batchSize: 32 });
    assert.ok(Math.abs(whole['loss'] - parts['loss']) < 1e-6);
  });

  it('does plain gradient descent on the full batch', async () => {
    const { x, y } = linearProblem(8, 2);
    const model = new Sequential([new Linear(1, { bias: false })], { seed: 1 }).build([2]);
    const before = [...model.weights().get('0.weight')!.data];
    const lr = 0.05;
    await new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr }) }).fit({ x, y }, { batchSize: 8 });
    const expected = before.map((w, j) => {
      let gradient = 0;
      for (let i = 0; i < 8; i++) {
        const error = x.data[2 * i]! * before[0]! + x.data[2 * i + 1]! * before[1]! - y.data[i]!;
        gradient += (2 * error * x.data[2 * i + j]!) / 8;
      }
      return w - lr * gradient;
    });
    model
      .weights()
      .get('0.weight')!
      .data.forEach((w, j) => assert.ok(Math.abs(w - expected[j]!) < 1e-5));
  });

  it('gives the same weights from arrays, from batches as they come and from single steps', async () => {
    const { x, y } = classProblem(64, 4, 2);
    const batches = [0, 16, 32, 48].map((begin) => ({ x: x.rows(begin, begin + 16), y: y.rows(begin, begin + 16) }));
    const results: number[][] = [];
    for (const way of ['arrays', 'batches', 'steps'] as const) {
      const model = mlp(2);
      const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam(), seed: 5 });
      if (way === 'arrays') await trainer.fit({ x, y }, { epochs: 2, batchSize: 16, shuffle: false });
      if (way === 'batches') {
        await trainer.fit(
          async function* () {
            yield* batches;
          },
          { epochs: 2 },
        );
      }
      if (way === 'steps') for (const batch of [...batches, ...batches]) await trainer.step(batch);
      results.push(flat(model.weights()));
    }
    assert.deepEqual(results[1], results[0]);
    // The initial weights of a step-trained model come from the trainer's seed as well.
    assert.deepEqual(results[2], results[0]);
  });

  it('clips gradients by norm and by value', async () => {
    const { x, y } = linearProblem(16, 3);
    const moved = async (options: { clipNorm?: number; clipValue?: number }): Promise<number[]> => {
      const model = new Sequential([new Linear(1)], { seed: 1 }).build([3]);
      const before = flat(model.weights());
      await new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 1 }), ...options }).step({ x, y });
      return flat(model.weights()).map((w, i) => w - before[i]!);
    };
    const free = await moved({});
    const norm = Math.hypot(...free);
    const byNorm = await moved({ clipNorm: 0.5 });
    byNorm.forEach((step, i) => assert.ok(Math.abs(step - (free[i]! * 0.5) / norm) < 1e-5));
    const byValue = await moved({ clipValue: 0.25 });
    byValue.forEach((step, i) => assert.ok(Math.abs(step - Math.sign(free[i]!) * Math.min(0.25, Math.abs(free[i]!))) < 1e-5));
    // The norm is that of what the values are clipped to.
    const byBoth = await moved({ clipValue: 0.25, clipNorm: 0.1 });
    byBoth.forEach((step, i) => assert.ok(Math.abs(step - (byValue[i]! * 0.1) / Math.hypot(...byValue)) < 1e-5));
  });

  it('adds penalties for weights but not for biases', async () => {
    const { x, y } = linearProblem(16, 3);
    const model = new Sequential([new Linear(1)], { seed: 1 }).build([3]);
    const squares = [...model.weights().get('0.weight')!.data].reduce((sum, w) => sum + w * w, 0);
    const loss = new MSELoss();
    const plain = await new Trainer(model, { loss, optimizer: new SGD({ lr: 0 }) }).step({ x, y });
    const penalised = await new Trainer(model, { loss, optimizer: new SGD({ lr: 0 }), penalties: [l2(0.1)] }).step({ x, y });
    assert.ok(Math.abs(penalised['loss'] - plain['loss'] - 0.1 * squares) < 1e-5);
  });

  it('reports progress and stops at once when aborted, leaving whole steps behind', async () => {
    const data = classProblem(4000, 64, 3);
    const model = new Sequential([new Linear(256), new ReLU(), new Linear(3)], { seed: 3 });
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.01 }) });
    const abort = new AbortController();
    const reason = new Error('enough');
    const seen: Progress[] = [];
    const fit = trainer.fit(data, {
      epochs: 1000,
      batchSize: 16,
      signal: abort.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (seen.length === 2) abort.abort(reason);
      },
    });
    await assert.rejects(fit, (error) => error === reason);
    assert.ok(seen.length >= 2 && seen[0]!.step > 0 && Number.isFinite(seen[0]!.loss));

    const steps = trainer.steps;
    const again = new Sequential([new Linear(256), new ReLU(), new Linear(3)], { seed: 3 });
    const other = new Trainer(again, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.01 }) });
    const perEpoch = 250;
    const whole = Math.floor(steps / perEpoch);
    if (whole > 0) await other.fit(data, { epochs: whole, batchSize: 16 });
    if (steps % perEpoch === 0) assert.deepEqual(flat(again.weights()), flat(model.weights()));
    assert.ok((await trainer.fit(data, { batchSize: 500 })).last!.loss > 0, 'usable after the abort');
  });

  it('does nothing when the signal is aborted already', async () => {
    const trainer = new Trainer(mlp(2), { loss: new CrossEntropyLoss(), optimizer: new SGD() });
    await assert.rejects(trainer.fit(classProblem(8, 2, 2), { signal: AbortSignal.abort() }), { name: 'AbortError' });
    assert.equal(trainer.steps, 0);
  });

  it('predicts with the weights of a finished step while the model trains', async () => {
    const data = classProblem(2000, 32, 3);
    const model = mlp(3);
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.01 }) });
    const fit = trainer.fit(data, { epochs: 30, batchSize: 8 });
    for (let i = 0; i < 20; i++) {
      const { data: logits } = await model.predict(data.x.rows(0, 4));
      assert.ok(logits.every(Number.isFinite));
    }
    await fit;
  });

  it('trains several models at once with the same result as one after another', async () => {
    const data = classProblem(200, 8, 3);
    const run = async (seed: number): Promise<number[]> => {
      const model = new Sequential([new Linear(32), new ReLU(), new Dropout(0.2), new Linear(3)], { seed });
      await new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam() }).fit(data, { epochs: 5, batchSize: 16 });
      return flat(model.weights());
    };
    const together = await Promise.all([1, 2, 3, 4].map(run));
    for (const [i, weights] of together.entries()) assert.deepEqual(weights, await run(i + 1));
  });

  it('uses a data set in a SharedArrayBuffer in place', async () => {
    const { x, y } = classProblem(64, 4, 2);
    const shared = new Float32Array(new SharedArrayBuffer(x.data.byteLength));
    shared.set(x.data);
    const results: number[][] = [];
    for (const data of [x, array(shared, x.shape)]) {
      const model = mlp(2);
      await new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD() }).fit({ x: data, y }, { batchSize: 16 });
      results.push(flat(model.weights()));
    }
    assert.deepEqual(results[1], results[0]);
  });

  it('names the layer of the first NaN in a debug run and leaves the weights alone', async () => {
    const { x, y } = classProblem(16, 4, 2);
    const broken = array(x.data.slice(), x.shape);
    broken.data[5] = Infinity;
    const model = mlp(2).build([4]);
    const before = flat(model.weights());
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD() });
    await assert.rejects(trainer.fit({ x: broken, y }, { debug: true, batchSize: 16 }), /NaN or infinity in step 0/);
    assert.deepEqual(flat(model.weights()), before);
  });

  it('gives the same bits in a debug run', async () => {
    const data = classProblem(64, 4, 2);
    const results: number[][] = [];
    for (const debug of [false, true]) {
      const model = mlp(2);
      await new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam() }).fit(data, { epochs: 2, batchSize: 16, debug });
      results.push(flat(model.weights()));
    }
    assert.deepEqual(results[1], results[0]);
  });
});
