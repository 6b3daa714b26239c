/** Gradients of several batches that make one update: that of all their rows at once. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Adam,
  AdamW,
  type Batch,
  HuberLoss,
  Losses,
  Callback,
  CrossEntropyLoss,
  Dropout,
  Embedding,
  type FitOptions,
  Layer,
  Linear,
  MeanOverTime,
  MSELoss,
  type NdArray,
  Optimizer,
  ReLU,
  type Scope,
  SGD,
  Sequential,
  type Tensor,
  Trainer,
  type TrainerOptions,
  type Update,
  add,
  array,
  l2,
  mul,
  reshape,
} from '../../lib/index.js';
import { Equipment } from '../../lib/training/equipment.js';
import { feedOf } from '../../lib/training/feed.js';
import { sample } from '../support/check-op.js';
import { allNear } from '../support/near.js';
import { classProblem, linearProblem } from '../support/problems.js';
import { float32Error } from '../support/tolerances.js';

const values = (model: Layer): readonly number[] => [...model.weights().values()].flatMap(({ data }) => [...data]);
/** Three updates, each a product of some layers whose sums of up to 96 terms are made in parts. */
const same = (actual: readonly number[], expected: readonly number[]): void => allNear(actual, expected, float32Error(96));

const x = sample([24, 3, 5], 1);
const y = array(
  Int32Array.from({ length: 72 }, (_, i) => (i * 7) % 4),
  [24, 3],
);
/** Batches of eight rows with 0 to 24 tokens that count. */
const padded = array(y.data.map((id, i) => (i < 24 || i % 5 === 0 || i > 40 ? -1 : id)), [24, 3]); // prettier-ignore
const numbers = sample([24, 3, 4], 2);
const sampleWeight = array(Float32Array.from({ length: 24 }, (_, i) => (i * 3) % 5));
const ids = array(
  Int32Array.from({ length: 24 * 6 }, (_, i) => (i * 11) % 40),
  [24, 6],
);
const labels = array(Int32Array.from({ length: 24 }, (_, i) => i % 3));

const linear = (): Sequential => new Sequential([new Linear(6), new ReLU(), new Linear(4)], { seed: 3 });
/** Two outputs. */
class Two extends Layer<[Tensor], { readonly a: Tensor; readonly b: Tensor }> {
  readonly net: Sequential = linear();
  forward(x: Tensor, scope: Scope): { readonly a: Tensor; readonly b: Tensor } {
    const y = scope.call('net', this.net, x);
    return { a: y, b: mul(y, 2) };
  }
}
const embedding = (sparse: boolean) => (): Sequential =>
  new Sequential([new Embedding(64, 4, { sparse }), new MeanOverTime(), new Linear(3)], { seed: 3 });

/** One input and one target. */
interface Data {
  readonly x: NdArray;
  readonly y: NdArray;
  readonly sampleWeight?: NdArray<Float32Array>;
}
type Case = readonly [name: string, Data, () => Sequential, TrainerOptions];
const cases: readonly Case[] = [
  ['rows', { x, y }, linear, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1, momentum: 0.9 }) }],
  [
    'unequal numbers of tokens',
    { x, y: padded },
    linear,
    { loss: new CrossEntropyLoss({ ignoreIndex: -1 }), optimizer: new SGD({ lr: 0.1 }) },
  ],
  ['rows of other weights', { x, y: numbers, sampleWeight }, linear, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) }],
  ['sums', { x, y: numbers }, linear, { loss: new MSELoss({ reduction: 'sum' }), optimizer: new SGD({ lr: 1e-3 }) }],
  [
    'a penalty and clipping',
    { x, y: numbers },
    linear,
    { loss: new HuberLoss(), optimizer: new Adam({ lr: 0.01 }), penalties: [l2(1e-2)], clipNorm: 0.05, clipValue: 0.02 },
  ],
  [
    'groups and what is frozen',
    { x, y: numbers },
    linear,
    {
      loss: new MSELoss(),
      optimizer: new AdamW({ lr: 0.01 }),
      groups: [{ parameters: (_path, shape) => shape.length < 2, optimizer: new SGD({ lr: 0.1 }) }],
      frozen: ['0.bias'],
    },
  ],
  ['a table', { x: ids, y: labels }, embedding(false), { loss: new CrossEntropyLoss(), optimizer: new Adam({ lr: 0.01 }) }],
  ['a sparse table', { x: ids, y: labels }, embedding(true), { loss: new CrossEntropyLoss(), optimizer: new Adam({ lr: 0.01 }) }],
];

const trained = async (
  [, data, net, recipe]: Case,
  options: FitOptions,
  batches?: readonly Batch[],
): Promise<readonly [Sequential, Trainer, number, number]> => {
  const model = net();
  const trainer = new Trainer(model, { gradientNorm: true, ...recipe });
  const { last } = await trainer.fit(batches ?? data, { ...(batches === undefined && { shuffle: false }), ...options });
  return [model, trainer, last!.loss, last!.metrics['gradientNorm']!];
};

describe('accumulate', () => {
  for (const one of cases) {
    it(`gives the update of all at once: ${one[0]}`, async () => {
      const [, { x: rows, y: targets, sampleWeight: weights }] = one;
      const part = (begin: number, end: number): Batch => ({
        x: rows.rows(begin, end),
        y: targets.rows(begin, end),
        ...(weights && { sampleWeight: weights.rows(begin, end) }),
      });
      const [whole, , loss, norm] = await trained(one, { batchSize: 24, epochs: 3 });
      const [arrays, trainer, itsLoss, itsNorm] = await trained(one, { batchSize: 8, accumulate: 3, epochs: 3 });
      same(values(arrays), values(whole));
      same([itsLoss, itsNorm], [loss, norm]);
      assert.deepEqual([trainer.steps, trainer.updates, trainer.epochs], [9, 3, 3]);
      const unequal = [part(0, 10), part(10, 11), part(11, 24)];
      const [streamed, , streamedLoss, streamedNorm] = await trained(one, { accumulate: 3, epochs: 3 }, unequal);
      same(values(streamed), values(whole));
      same([streamedLoss, streamedNorm], [loss, norm]);
    });
  }

  it('counts a penalty once in a sum', async () => {
    const recipe = { loss: new MSELoss({ reduction: 'sum' }), optimizer: new SGD({ lr: 1e-3 }), penalties: [l2(50)] };
    const one: Case = ['', { x, y: numbers }, linear, recipe];
    const [whole] = await trained(one, { batchSize: 24, epochs: 3 });
    const [parts] = await trained(one, { batchSize: 8, accumulate: 3, epochs: 3 });
    same(values(parts), values(whole));
  });

  it('weighs batches by their weights of rows in a loss of several outputs, and counts rows of probabilities as their weights do', async () => {
    const shares = array(Float32Array.from({ length: 24 * 4 }, (_, i) => (i % 4 === (i >> 2) % 4 ? 0.7 : 0.1)), [24, 4]); // prettier-ignore
    for (const names of [['a'], ['a', 'b']]) {
      const each = <T>(make: (name: string) => T): Record<string, T> => Object.fromEntries(names.map((name) => [name, make(name)]));
      const of = async (batches: readonly (readonly [number, number])[]): Promise<readonly number[]> => {
        const model = new Two();
        const trainer = new Trainer(model, {
          loss: new Losses(each(() => new MSELoss())),
          optimizer: new SGD({ lr: 0.1 }),
          seed: 3,
        });
        for (const [i, [begin, end]] of batches.entries()) {
          const batch = { x: x.rows(begin, end), y: each(() => numbers.rows(begin, end)), sampleWeight: sampleWeight.rows(begin, end) };
          await trainer.step(batch, { update: i === batches.length - 1 });
        }
        return [...model.weights().values()].flatMap(({ data }) => [...data]);
      };
      same(await of([[0, 5], [5, 24]]), await of([[0, 24]])); // prettier-ignore
    }
    const ofShares = async (batches: readonly Batch[]): Promise<readonly number[]> => {
      const model = new Sequential([new Linear(4)], { seed: 1 });
      const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.5 }) });
      for (const [i, batch] of batches.entries()) await trainer.step(batch, { update: i === batches.length - 1 });
      return values(model);
    };
    const flat = array(x.data, [24, 15]);
    const ones = array(new Float32Array(8).fill(1));
    const mixed = [{ x: flat.rows(0, 16), y: shares.rows(0, 16) }, { x: flat.rows(16, 24), y: shares.rows(16, 24), sampleWeight: ones }]; // prettier-ignore
    same(await ofShares(mixed), await ofShares([{ x: flat, y: shares }]));
  });

  it('leaves rows of a sparse table alone that no batch met', async () => {
    const [model] = await trained(cases.at(-1)!, { batchSize: 8, accumulate: 3, epochs: 1 });
    const before = embedding(true)();
    before.predictSync(ids);
    const [was, is] = [before, model].map((one) => one.weights().get('0.weight')!.data);
    for (let i = 40 * 4; i < 64 * 4; i++) assert.equal(is![i], was![i]);
    const whole = await trained(cases.at(-1)!, { batchSize: 24, epochs: 1 });
    same(values(model), values(whole[0]));
  });

  const data = classProblem(40, 4, 3);
  const make = (lr: number | ((step: number) => number) = 0.1): readonly [Sequential, Trainer] => {
    const model = new Sequential([new Linear(8), new Dropout(0.2), new Linear(3)], { seed: 1 });
    return [model, new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam({ lr }), gradientNorm: true, seed: 5 })];
  };
  it('updates with what is left at the end of an epoch, and schedules count updates', async () => {
    const asked: number[] = [];
    const [, trainer] = make((step) => (asked.push(step), 0.1));
    const history = await trainer.fit(data, { batchSize: 8, accumulate: 2, epochs: 2, keepSteps: true });
    assert.deepEqual(asked, [0, 1, 2, 3, 4, 5]);
    assert.deepEqual([trainer.steps, trainer.updates], [10, 6]);
    assert.deepEqual([history.stepSeries('loss').length, history.stepSeries('gradientNorm').length], [10, 6]);
    const batches = [0, 8, 16, 24, 32].map((begin) => ({ x: data.x.rows(begin, begin + 8), y: data.y.rows(begin, begin + 8) }));
    const [, streaming] = make();
    await streaming.fit(batches, { accumulate: 2, stepsPerEpoch: 3, epochs: 2 });
    assert.deepEqual([streaming.steps, streaming.updates], [5, 3]);
  });
  it('draws new noise for each batch, and trains with the same bits in steps and in a fit', async () => {
    const [model, trainer] = make();
    await trainer.fit(data, { batchSize: 8, accumulate: 3, shuffle: false });
    const [stepped, stepping] = make();
    const figures: Record<string, number>[] = [];
    for (const begin of [0, 8, 16, 24, 32]) {
      const batch = { x: data.x.rows(begin, begin + 8), y: data.y.rows(begin, begin + 8) };
      figures.push(await stepping.step(batch, { update: begin === 16 || begin === 32 }));
    }
    assert.deepEqual(values(stepped), values(model));
    assert.deepEqual(figures.map(({ gradientNorm }) => Number.isNaN(gradientNorm)), [true, true, false, true, false]); // prettier-ignore
    assert.deepEqual([stepping.steps, stepping.updates], [5, 2]);
  });
  it('forgets gradients that wait when a fit begins: those of NaN, and of a fit that was aborted', async () => {
    const [model, trainer] = make();
    const [same, other] = make();
    const first = { x: data.x.rows(0, 8), y: data.y.rows(0, 8) };
    await trainer.step(first);
    await other.step(first);
    await trainer.step({ x: array(new Float32Array(32).fill(NaN), [8, 4]), y: first.y }, { update: false });
    await other.step(first, { update: false });
    await trainer.fit(data, { batchSize: 8, accumulate: 2 });
    await other.fit(data, { batchSize: 8, accumulate: 2 });
    assert.deepEqual(values(same), values(model));
    assert.ok(values(model).every(Number.isFinite));
    const stop = new AbortController();
    const source = function* (): Generator<Batch> {
      yield first;
      stop.abort();
      yield first;
    };
    const before = values(model);
    await assert.rejects(trainer.fit(source, { accumulate: 4, signal: stop.signal }), { name: 'AbortError' });
    assert.deepEqual(values(model), before);
    await trainer.fit(data, { batchSize: 8, accumulate: 2 });
    assert.ok(values(model).some((value, i) => value !== before[i]));
  });
  it('names the optimizer where an update is the first to be infinite, in debug', async () => {
    class Exploding extends Optimizer {
      readonly slots = [];
      lr = 1;
      update(parameter: Tensor, gradient: Tensor): Update {
        return { parameter: add(parameter, mul(mul(gradient, 1e38), 1e38)), slots: {} };
      }
    }
    const { x: inputs, y: targets } = linearProblem(16, 2);
    const trainer = new Trainer(new Linear(1), { loss: new MSELoss(), optimizer: new Exploding() });
    await assert.rejects(trainer.fit({ x: inputs, y: targets }, { batchSize: 8, accumulate: 2, debug: true }), {
      name: 'DataError',
      message: /^Exploding: expected finite numbers, got the first NaN or infinity in step 0/,
    });
    assert.equal(trainer.updates, 0);
  });
  it('refuses an update of wrong shape before anything is changed', async () => {
    class Wrong extends Optimizer {
      readonly slots = [];
      lr = 1;
      update(parameter: Tensor): Update {
        return { parameter: reshape(parameter, [1, -1]), slots: {} };
      }
    }
    const trainer = new Trainer(new Linear(1), { loss: new MSELoss(), optimizer: new Wrong() });
    await assert.rejects(trainer.fit(linearProblem(16, 2), { batchSize: 8, accumulate: 2 }), {
      name: 'ShapeError',
      message: /^Wrong: expected float32 \[\d+\] for parameter from update, got float32 \[1, \d+\]\.$/,
    });
    assert.equal(trainer.steps, 0);
    await assert.rejects(trainer.fit(linearProblem(16, 2), { accumulate: 0 }), {
      name: 'OptionError',
      message: 'fit: expected a whole number ≥ 1 for accumulate, got 0.',
    });
  });
  it('goes on from a checkpoint with the same bits', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    try {
      const options = { batchSize: 8, accumulate: 2 } as const;
      const [whole, trainer] = make((step) => 0.1 / (1 + step));
      await trainer.fit(data, { ...options, epochs: 2 });
      const [, first] = make((step) => 0.1 / (1 + step));
      class Saving extends Callback {
        override onEpoch(): Promise<void> {
          return first.save(join(folder, 'checkpoint'));
        }
      }
      await first.fit(data, { ...options, callbacks: [new Saving()] });
      const [model, second] = make((step) => 0.1 / (1 + step));
      await second.load(join(folder, 'checkpoint'));
      assert.deepEqual([second.steps, second.updates], [5, 3]);
      await second.fit(data, options);
      assert.deepEqual(values(model), values(whole));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
  it('takes the memory of one batch, whatever their number', () => {
    const model = new Sequential([new Linear(64), new ReLU(), new Linear(4)]).build([32]);
    const equipment = new Equipment(model.model, { loss: new MSELoss(), optimizer: new Adam() });
    const bytes = (rows: number, accumulates: boolean): number =>
      equipment.trainingProgram(feedOf({ x: sample([rows, 32], 1), y: sample([rows, 4], 2) }), { accumulates }).program.arenaBytes;
    assert.ok(bytes(64, true) <= bytes(64, false), `${bytes(64, true)} and ${bytes(64, false)} bytes`);
    assert.ok(bytes(64, true) * 2 < bytes(256, false));
  });
});
