/** Layers that need more than one row of a batch. */
import assert from 'node:assert/strict';
import { Adam, BatchNorm, CrossEntropyLoss, Linear, ReLU, Sequential, array } from '../../lib/index.js';
import { classProblem } from '../support/problems.js';
import { trainerOf } from '../support/trainer.js';

describe('batch normalisation of rows', () => {
  it('builds, predicts, trains and loads', async () => {
    const net = (): Sequential => new Sequential([new Linear(8), new BatchNorm(), new ReLU(), new Linear(1)], { seed: 3 });
    const model = net().build([2]);
    const x = array(
      Float32Array.from({ length: 64 }, (_, i) => Math.sin(i)),
      [32, 2],
    );
    const y = array(
      Float32Array.from({ length: 32 }, (_, i) => Math.sin(2 * i) * Math.sin(2 * i + 1)),
      [32, 1],
    );
    const trainer = trainerOf(model, { optimizer: new Adam({ lr: 0.01 }) });
    const history = await trainer.fit({ x, y }, { epochs: 40, batchSize: 8 });
    assert.ok(history.last!.loss < 0.5 * history.epochs[0]!.loss);
    const other = net();
    other.setWeights(model.weights());
    assert.deepEqual((await other.predict(x)).data, (await model.predict(x)).data);
  });
});

describe('rows that are left', () => {
  it('are trained on, or left out on demand', async () => {
    const data = classProblem(65, 4, 3);
    const net = (): Sequential => new Sequential([new Linear(8), new BatchNorm(), new ReLU(), new Linear(3)]);
    const loss = new CrossEntropyLoss();
    await assert.rejects(trainerOf(net(), { loss }).fit(data, { batchSize: 64 }), {
      name: 'ShapeError',
      message: /got x \[1, 8\].*dropLast/,
    });
    const trainer = trainerOf(net(), { loss });
    const steps: number[] = [];
    const onProgress = ({ step, steps: all }: { readonly step: number; readonly steps: number | undefined }): void =>
      void steps.push(step, all!);
    await trainer.fit(data, { batchSize: 64, dropLast: true, epochs: 3, onProgress });
    assert.deepEqual([trainer.steps, steps.every((n) => n === 1)], [3, true]);
    await trainer.fit(data, { batchSize: 100, dropLast: true });
    assert.equal(trainer.steps, 4);
    await assert.rejects(trainer.fit([data], { dropLast: true }), { name: 'OptionError', message: /expected no dropLast/ });
  });
});
