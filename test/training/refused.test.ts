/** A call that is refused changes nothing: not the weights, and not what a model may be built for. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import {
  type Batch,
  Callback,
  CrossEntropyLoss,
  EarlyStopping,
  Embedding,
  type FitOptions,
  GRU,
  LSTM,
  LastStep,
  Layer,
  Linear,
  SGD,
  type Scope,
  Sequential,
  type Tensor,
  type Trainer,
  array,
  reshape,
  transpose,
} from '../../lib/index.js';
import { zeros } from '../support/problems.js';
import { trainerOf } from '../support/trainer.js';

describe('a refused call', () => {
  const twoOutputs = (): Sequential => new Sequential([new Linear(2)]);
  const wrong: readonly (readonly [string, (trainer: Trainer, model: Sequential) => Promise<unknown>, RegExp])[] = [
    ['fit', (trainer) => trainer.fit({ x: zeros(4, 3), y: zeros(4, 5) }), /expected target of the shape of the prediction/],
    ['fit of batches', (trainer) => trainer.fit([{ x: zeros(4, 3), y: zeros(4, 5) }]), /expected target of the shape/],
    ['step', (trainer) => trainer.step({ x: zeros(4, 3), y: zeros(4, 5) }), /expected target of the shape/],
    ['evaluate', (trainer) => trainer.evaluate({ x: zeros(4, 3), y: zeros(4, 5) }), /expected target of the shape/],
    ['predict', (_, model) => model.predict(zeros(4), {}), /Linear "0"/],
    [
      'fit for its validation',
      (trainer) => trainer.fit({ x: zeros(4, 3), y: zeros(4, 2) }, { validation: { x: zeros(4, 3), y: zeros(4, 5) } }),
      /^fit validation: MSELoss: expected target/,
    ],
  ];
  for (const [name, call, message] of wrong) {
    it(`of ${name} leaves a model that can be built for other sizes`, async () => {
      const model = twoOutputs();
      const trainer = trainerOf(model);
      await assert.rejects(call(trainer, model), { name: 'ShapeError', message });
      assert.throws(() => model.weights(), { name: 'StateError' });
      await trainer.fit({ x: zeros(4, 7), y: zeros(4, 2) });
      assert.deepEqual(model.weights().get('0.weight')!.shape, [7, 2]);
      await assert.rejects(model.predict(zeros(4, 3)), { message: /expected input of shape \[N, 7\] as the model was built/ });
    });
  }

  it('leaves a fit alone that waits for its first step', async () => {
    const data = { x: zeros(4, 3), y: zeros(4, 2) };
    const later = async function* (): AsyncGenerator<Batch> {
      await setImmediate();
      yield data;
    };
    class Wait extends Callback {
      override async onStart(): Promise<void> {
        await setImmediate();
      }
    }
    const waiting: readonly ((trainer: Trainer) => Promise<unknown>)[] = [
      (trainer) => trainer.fit(data, { callbacks: [new Wait()] }),
      (trainer) => trainer.fit(later, { validation: data }),
    ];
    for (const start of waiting) {
      const model = twoOutputs();
      const trainer = trainerOf(model);
      const fit = start(trainer);
      await assert.rejects(trainer.evaluate({ x: zeros(4, 3), y: zeros(4, 5) }), { name: 'ShapeError' });
      await assert.rejects(model.predict(zeros(4, 5)), { name: 'ShapeError', message: /got \[N, 5\]/ });
      await fit;
      assert.equal(trainer.steps, 1);
    }
  });
  it('leaves weights that were set for the first build', async () => {
    const model = twoOutputs();
    model.setWeights(new Map([['0.weight', array([[1, 2], [3, 4]])], ['0.bias', array([0, 0])]])); // prettier-ignore
    await assert.rejects(trainerOf(model).fit({ x: zeros(4, 2), y: zeros(4, 5) }), { name: 'ShapeError' });
    assert.deepEqual((await model.predict(array([[1, 0]]))).toNested(), [[1, 2]]);
  });

  const refuses = async (data: Batch, options: FitOptions, name: string, message: RegExp): Promise<void> => {
    const model = new Sequential([new Embedding(5, 4), new GRU(3), new Linear(2)], { seed: 2 }).build([6], { dtypes: ['int32'] });
    const before = [...model.weights().values()].map(({ data }) => [...data]);
    const trainer = trainerOf(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.5 }) });
    await assert.rejects(trainer.fit(data, { batchSize: 2, shuffle: false, ...options }), { name, message });
    assert.deepEqual([trainer.steps, [...model.weights().values()].map(({ data }) => [...data])], [0, before]);
  };
  const ids = (bad?: number): Batch => {
    const x = new Int32Array(60).fill(1);
    if (bad !== undefined) x[57] = bad;
    return { x: array(x, [10, 6]), y: array(new Int32Array(60), [10, 6]) };
  };
  it('for an id beyond its table in the last batch', () =>
    refuses(ids(5), {}, 'DataError', /^fit: expected 0 … 4 in input 0 for Embedding "0", got 5 at row 9 \[3\]\.$/));
  it('for a bad id of the validation', () =>
    refuses(ids(), { validation: ids(-1) }, 'DataError', /^fit validation: expected 0 … 4 in input 0 .* got -1 at row 9 \[3\]/));
  it('for a target of the validation of another shape', () =>
    refuses(
      ids(),
      { validation: { x: ids().x, y: zeros(10, 1, 6) } },
      'ShapeError',
      /^fit validation: CrossEntropyLoss: expected class ids/,
    ));
  it('for a figure to watch that there is not', () =>
    refuses(ids(), { callbacks: [new EarlyStopping({ monitor: 'valLoss' })] }, 'OptionError', /monitor to be one of loss, got "valLoss"/));
  it('of batches for their validation', async () => {
    const model = new Sequential([new Linear(2)]);
    const trainer = trainerOf(model);
    const batches = [{ x: zeros(4, 3), y: zeros(4, 2) }];
    await assert.rejects(trainer.fit(batches, { validation: { x: zeros(4, 3), y: zeros(4, 5) } }), { name: 'ShapeError' });
    await assert.rejects(trainer.fit(batches, { shuffle: true }), { name: 'OptionError', message: /expected no shuffle/ });
    assert.equal(trainer.steps, 0);
  });

  it('for a length beyond its sequence in the last batch', async () => {
    class Last extends Layer<[Tensor, Tensor]> {
      forward(x: Tensor, lengths: Tensor, scope: Scope): Tensor {
        return scope.call('last', new LastStep(), scope.call('rnn', new LSTM(2), x, lengths), lengths);
      }
    }
    const trainer = trainerOf(new Last());
    const lengths = array(Int32Array.of(1, 2, 3, 4));
    await assert.rejects(trainer.fit({ x: [zeros(4, 3, 1), lengths], y: zeros(4, 2) }, { batchSize: 1 }), {
      name: 'DataError',
      message: /^fit: expected 1 … 3 in input 1 for LSTM "rnn", got 4 at row 3\.$/,
    });
    assert.equal(trainer.steps, 0);
  });
});

describe('a call that the compiler refuses', () => {
  /** Of 128 features it makes more dimensions than an instruction has. */
  class Folded extends Layer {
    forward(x: Tensor): Tensor {
      const n = x.shape[0]!;
      if (x.shape[1] !== 128) return x;
      return reshape(transpose(reshape(x, [n, 2, 2, 2, 2, 2, 2, 2]), [0, 7, 6, 5, 4, 3, 2, 1]), [n, 128]);
    }
  }
  const wide = array(new Float32Array(4 * 128), [4, 128]);
  const calls: readonly (readonly [string, (model: Sequential, trainer: Trainer) => Promise<unknown>])[] = [
    ['predict', (model) => model.predict(wide)],
    ['fit', (_, trainer) => trainer.fit({ x: wide, y: array(new Float32Array(4), [4, 1]) })],
    ['evaluate', (_, trainer) => trainer.evaluate({ x: wide, y: array(new Float32Array(4), [4, 1]) })],
  ];
  for (const [name, call] of calls) {
    it(`leaves the model free to be built for other sizes: ${name}`, async () => {
      const model = new Sequential([new Folded(), new Linear(1)]);
      await assert.rejects(call(model, trainerOf(model)), { name: 'ShapeError', message: /compile/ });
      await model.predict(array(new Float32Array(20), [2, 10]));
      assert.equal(model.weights().get('1.weight')!.shape[0], 10);
      await assert.rejects(model.predict(wide), { message: /as the model was built/ });
    });
  }
});
