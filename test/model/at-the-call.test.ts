/** Calls see the weights there are when they are made, whatever becomes of the model before their runs begin. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import {
  Callback,
  Linear,
  MSELoss,
  type NdArray,
  SGD,
  Sequential,
  Tanh,
  Trainer,
  type TrainerOptions,
  array,
  readSafetensors,
} from '../../lib/index.js';
import { sample } from '../support/check-op.js';

const x = sample([64, 8]);
const y = array(new Float32Array(64), [64, 1]);

const network = (): Sequential => new Sequential([new Linear(16), new Tanh(), new Linear(1)], { seed: 2 });
const trainerOf = (model: Sequential, options: Partial<TrainerOptions> = {}): Trainer =>
  new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }), ...options });

type Weights = Map<string, NdArray<Float32Array>>;
const filled = (weights: Weights, value: number): Weights =>
  new Map([...weights].map(([path, { data, shape }]) => [path, array(new Float32Array(data.length).fill(value), shape)]));
const others = filled(network().build([8]).weights(), 0.1);

const fails = (): never => {
  throw new Error('no values');
};

/** Work of others that uses up the turns of the event loop. */
const busy = (): Promise<unknown> =>
  Promise.all(Array.from({ length: 3 }, () => new Sequential(Array.from({ length: 60 }, () => new Linear(4))).predict(x)));

describe('a call on a model that has not run', () => {
  const first = network().predictSync(x);
  const changes: readonly (readonly [string, (model: Sequential) => unknown])[] = [
    ['all weights are set', (model) => model.setWeights(others)],
    ['some weights are set', (model) => model.setWeights(new Map([['0.bias', others.get('0.bias')!]]), { strict: false })],
    ['it is trained', (model) => trainerOf(model).step({ x, y })],
  ];
  for (const [name, change] of changes) {
    for (const batchSize of [8, 64])
      for (const isBuilt of [false, true])
        it(`sees its first weights, though ${name} at once: predict in batches of ${batchSize}${isBuilt ? ', built before' : ''}`, async () => {
          const model = isBuilt ? network().build([8]) : network();
          const prediction = model.predict(x, { batchSize });
          await change(model);
          assert.deepEqual(await prediction, first);
          assert.notDeepEqual(model.predictSync(x), first);
        });
    it(`sees its first weights, though ${name} at once: evaluate`, async () => {
      const model = network();
      const expected = await trainerOf(network()).evaluate({ x, y });
      const evaluation = trainerOf(model).evaluate({ x, y });
      await change(model);
      assert.deepEqual(await evaluation, expected);
    });
  }
  it('needs no initializer for weights that are all set meanwhile', async () => {
    const model = new Linear(1, { weightInit: fails, biasInit: fails });
    const prediction = assert.rejects(model.predict(x), { message: 'no values' });
    const weights = filled(new Linear(1).build([8]).weights(), 0.5);
    model.setWeights(weights);
    await prediction;
    assert.deepEqual(model.weights(), weights);
  });
  it('writes no first weights over those that are set while a load builds the model', async () => {
    const size = 2500;
    const folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    const file = join(folder, 'model.safetensors');
    await new Linear(size).build([size]).save(file);
    const model = new Linear(size);
    let isOver = false;
    const load = model.load(file).finally(() => (isOver = true));
    const settled = Promise.allSettled([load]); // Refused, unless it was quick.
    while (!model.model.isBuilt && !isOver) await setImmediate();
    const weights = filled(new Linear(size).build([size]).weights(), 0.5);
    model.setWeights(weights);
    await settled;
    assert.deepEqual(model.weights(), weights);
    await rm(folder, { recursive: true });
  });
  it('sees its first weights, though it becomes a part of a model that is trained', async () => {
    const part = network();
    const prediction = part.predict(x);
    await trainerOf(new Sequential([part])).step({ x, y });
    assert.deepEqual(await prediction, first);
  });
});

describe('a call on a model with a layer of a trained one', () => {
  for (const [name, change] of [
    ['set', (model: Sequential) => model.setWeights(new Map([['head.bias', array(Float32Array.of(5), [1])]]), { strict: false })],
    ['set as a whole', (model: Sequential) => model.setWeights(filled(model.weights(), 0.1))],
    ['trained', (model: Sequential) => trainerOf(model).step({ x, y })],
  ] as const)
    it(`sees the weights of one moment, though the model is ${name} at once`, async () => {
      const encoder = new Linear(4);
      await trainerOf(new Sequential([encoder, new Linear(1)])).step({ x, y });
      const make = (): Sequential => new Sequential({ encoder, head: new Linear(1) }, { seed: 2 });
      const expected = make().predictSync(x);
      const model = make();
      const prediction = model.predict(x);
      await change(model);
      assert.deepEqual(await prediction, expected);
      assert.notDeepEqual(model.predictSync(x), expected);
    });
});

describe('a call within a fit that nobody waits for', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
  });
  after(() => rm(folder, { recursive: true }));

  /** What `call` gives, made after the first epoch, and what it should: of weights that are set after the fit it sees nothing. */
  async function beside<T>(call: (model: Sequential, trainer: Trainer) => Promise<T>, epochs: number): Promise<readonly [T, T]> {
    const model = network();
    const trainer = trainerOf(model);
    let result: Promise<T> | undefined;
    let weights: Weights | undefined;
    let work: Promise<unknown> | undefined;
    class Once extends Callback {
      override onEpoch(): void {
        if (result !== undefined) return;
        weights = model.weights();
        work = busy();
        result = call(model, trainer);
      }
    }
    await trainer.fit({ x, y }, { epochs, callbacks: [new Once()] });
    model.setWeights(others);
    const got = await result!;
    const same = network().build([8]);
    same.setWeights(weights!);
    await work;
    return [got, await call(same, trainerOf(same))];
  }

  const calls: readonly (readonly [string, (model: Sequential, trainer: Trainer) => Promise<unknown>])[] = [
    ['predict', (model) => model.predict(x)],
    ['predict in batches', (model) => model.predict(x, { batchSize: 8 })],
    ['evaluate', (_, trainer) => trainer.evaluate({ x, y })],
    [
      'save',
      async (model) => {
        const path = join(folder, 'model.safetensors');
        await model.save(path);
        return (await readSafetensors(path)).tensors;
      },
    ],
  ];
  for (const [name, call] of calls)
    for (const epochs of [1, 3])
      it(`sees the weights of its moment: ${name}, ${epochs} epochs`, async () => {
        const [got, expected] = await beside(call, epochs);
        assert.deepEqual(got, expected);
      });

  it('sees nothing of a later fit or step, though it reads the weights where they are', async () => {
    const size = 500_000;
    const many = sample([16, size]);
    const one = { x: many.rows(0, 1), y: array([[1]]) };
    const model = new Sequential([new Linear(1)]);
    const trainer = trainerOf(model, { optimizer: new SGD({ lr: 1e-6 }) });
    await model.predict(many); // Compiled, it reads them in place.
    for (const later of [() => trainer.step(one), () => trainer.fit(one)]) {
      let result: Promise<NdArray> | undefined;
      class Calling extends Callback {
        override onEpoch(): void {
          result = model.predict(many);
        }
      }
      await trainer.fit(one, { callbacks: [new Calling()] });
      const expected = model.predictSync(many);
      await later();
      assert.deepEqual(await result, expected);
      assert.notDeepEqual(model.predictSync(many), expected);
    }
  });
});
