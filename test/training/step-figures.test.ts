import assert from 'node:assert/strict';
import {
  type Callback,
  CrossEntropyLoss,
  EarlyStopping,
  Embedding,
  Flatten,
  Linear,
  type NdArray,
  ReLU,
  SGD,
  SaveBest,
  Sequential,
  Trainer,
  type TrainerOptions,
  accuracy,
  array,
  exponentialDecay,
  l2,
  perplexity,
} from '../../lib/index.js';
import { classProblem } from '../support/problems.js';

const data = classProblem(64, 4, 3);
const net = (): Sequential => new Sequential([new Linear(8), new ReLU(), new Linear(3)], { seed: 1 });
const trainerOf = (model: Sequential, options: Partial<TrainerOptions> = {}): Trainer =>
  new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 1 }), ...options });

/** ‖after − before‖ over all arrays: with a rate of 1 the norm of the gradients. */
function distance(before: ReadonlyMap<string, NdArray>, after: ReadonlyMap<string, NdArray>): number {
  return Math.hypot(...[...before].flatMap(([path, { data }]) => Array.from(data, (x, i) => after.get(path)!.data[i]! - x)));
}

describe('gradientNorm', () => {
  const rows = new Sequential({ words: new Embedding(500, 2), flat: new Flatten(), head: new Linear(3) }, { seed: 1 });
  rows.build([2], { dtypes: ['int32'] });
  const ids = { x: array(Int32Array.of(1, 2, 1, 1, 499, 2), [3, 2]), y: array(Int32Array.of(0, 1, 2)) };
  for (const [name, model, batch, options] of [
    ['of all parameters', net().build([4]), data, {}],
    ['with penalties', net().build([4]), data, { penalties: [l2(0.1)] }],
    ['of what is trained', net().build([4]), data, { frozen: ['0'] }],
    ['with a table that is updated by rows', rows, ids, {}],
  ] as const) {
    it(`is the norm ${name}`, async () => {
      const before = model.weights();
      const { gradientNorm } = await trainerOf(model, { ...options, gradientNorm: true }).step(batch);
      const expected = distance(before, model.weights());
      assert.ok(expected > 0.1 && Math.abs(gradientNorm! - expected) < 1e-5 * expected, `expected ${expected}, got ${gradientNorm}`);
    });
  }
  for (const clip of [{ clipNorm: 0.01 }, { clipValue: 0.001 }, { clipNorm: 0.01, clipValue: 0.001 }]) {
    it(`is that before ${Object.keys(clip).join(' and ')}, which changes nothing else`, async () => {
      const [plain, clipped, silent] = [net(), net(), net()];
      const whole = await trainerOf(plain, { gradientNorm: true }).step(data);
      assert.deepEqual(await trainerOf(clipped, { gradientNorm: true, ...clip }).step(data), whole);
      assert.deepEqual(Object.keys(await trainerOf(silent, clip).step(data)), ['loss']);
      assert.deepEqual(clipped.weights(), silent.weights());
    });
  }
  it('is reported of training alone, and may be watched', async () => {
    const trainer = trainerOf(net(), { gradientNorm: true, metrics: [accuracy()] });
    const callbacks: readonly Callback[] = [new EarlyStopping({ monitor: 'gradientNorm' })];
    const { last, epochs } = await trainer.fit(data, { epochs: 2, batchSize: 16, validation: data, callbacks });
    assert.deepEqual(Object.keys(last!.metrics), ['accuracy', 'gradientNorm', 'valLoss', 'valAccuracy']);
    assert.ok(epochs.every(({ steps }) => steps === undefined));
    assert.deepEqual(Object.keys(await trainer.evaluate(data)), ['loss', 'accuracy']);
    await assert.rejects(trainer.fit(data, { validation: data, callbacks: [new SaveBest('never', { monitor: 'valGradientNorm' })] }), {
      name: 'OptionError',
      message: /one of loss, accuracy, gradientNorm, valLoss, valAccuracy, got/,
    });
  });
});

describe('figures of each step', () => {
  it('are those that step gives, of arrays and of batches as they come', async () => {
    const options = { metrics: [accuracy(), perplexity()], gradientNorm: true, optimizer: new SGD({ lr: 0.1 }) };
    const batches = [0, 1, 2, 3].map((i) => ({ x: data.x.rows(16 * i, 16 * i + 16), y: data.y.rows(16 * i, 16 * i + 16) }));
    const single = trainerOf(net(), options);
    const expected: Record<string, number>[] = [];
    for (const batch of [...batches, ...batches]) expected.push(await single.step(batch));
    const fits = [
      await trainerOf(net(), options).fit(data, { epochs: 2, batchSize: 16, shuffle: false, keepSteps: true }),
      await trainerOf(net(), options).fit(batches, { epochs: 2, keepSteps: true }),
    ];
    for (const history of fits) {
      assert.deepEqual(Object.keys(history.last!.steps!), ['loss', 'accuracy', 'perplexity', 'gradientNorm']);
      assert.equal(history.last!.steps!['loss']!.length, 4);
      for (const name of Object.keys(history.last!.steps!)) {
        assert.deepEqual(
          history.stepSeries(name),
          Float32Array.from(expected, (figures) => figures[name]!),
          name,
        );
      }
    }
  });
  it('find a learning rate: the loss falls and then rises as the rate grows', async () => {
    const trainer = trainerOf(net(), { optimizer: new SGD({ lr: exponentialDecay(1e-4, { gamma: 1.2 }) }) });
    const losses = (await trainer.fit(data, { epochs: 20, batchSize: 16, keepSteps: true })).stepSeries('loss');
    assert.equal(losses.length, 80);
    assert.ok(Math.min(...losses) < losses[0]! / 2 && losses.at(-1)! > 2 * losses[0]!);
  });
  it('are left out unless asked for', async () => {
    const history = await trainerOf(net()).fit(data);
    assert.equal(history.last!.steps, undefined);
    assert.equal(history.stepSeries('loss').length, 0);
  });
});
