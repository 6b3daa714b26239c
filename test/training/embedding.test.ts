/** Tables of which a step updates the rows of its batch alone. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Adagrad,
  Adam,
  AdamW,
  CrossEntropyLoss,
  Embedding,
  Flatten,
  Layer,
  Linear,
  type NdArray,
  type Optimizer,
  Philox,
  RMSprop,
  SGD,
  type Scope,
  Sequential,
  type Tensor,
  Trainer,
  type TrainerOptions,
  array,
  compile,
  concat,
  gatherRows,
  getThreads,
  l2,
  matmul,
  normal,
  reshape,
  setThreads,
} from '../../lib/index.js';
import type { Program } from '../../lib/compile/program.js';
import { checkBatch } from '../../lib/training/batch-checks.js';
import { Control } from '../../lib/control.js';
import { Equipment } from '../../lib/training/equipment.js';
import { feedOf } from '../../lib/training/feed.js';
import { StepRunner } from '../../lib/training/step-runner.js';
import { Totals } from '../../lib/training/totals.js';

type Options = Omit<TrainerOptions, 'loss'>;

const loss = new CrossEntropyLoss();
const columns = 4;
/** Batches of 2 × 3 ids below 12, with repetitions: few ids beside 40 rows, many beside 12. */
const batches = [Int32Array.of(5, 0, 11, 5, 3, 7), Int32Array.of(1, 1, 2, 9, 9, 9)].map((ids) => ({
  x: array(ids, [2, 3]),
  y: array(Int32Array.of(0, 2)),
}));

const ofIds = <L extends Layer>(model: L): L => model.build([3], { dtypes: ['int32'] });
const once = (rows: number, sparse = false): Layer =>
  ofIds(new Sequential({ words: new Embedding(rows, columns, { sparse }), flat: new Flatten(), head: new Linear(3) }, { seed: 5 }));

/** Looks every id up twice. */
class Twice extends Layer {
  readonly words: Embedding;
  readonly head: Linear = new Linear(3);

  constructor(rows: number, sparse: boolean) {
    super();
    this.words = new Embedding(rows, columns, { sparse });
  }

  forward(ids: Tensor, scope: Scope): Tensor {
    const [n, t] = ids.shape as [number, number];
    const [first, second] = [0, 1].map(() => scope.call('words', this.words, ids)) as [Tensor, Tensor];
    return scope.call('head', this.head, reshape(concat([first, second], 1), [n, 2 * t * columns]));
  }
}
const twice = (rows: number, sparse = false): Layer => ofIds(new Twice(rows, sparse));

/** Its table is the weight of its output, too. */
class Tied extends Layer {
  forward(ids: Tensor, scope: Scope): Tensor {
    const table = scope.parameter('weight', [39, 3], normal(), { lazy: true });
    return matmul(reshape(gatherRows(table, ids), [ids.shape[0]!, 9]), reshape(table, [13, 9]), { transposeB: true });
  }
}

function programOf(model: Layer, options: Options): Program {
  const [batch] = batches;
  return new Equipment(model.model, { loss, ...options }).trainingProgram(feedOf(batch!)).program;
}

/** How the table is updated. */
function way(model: Layer, options: Options): 'rows' | 'masked' | 'whole' {
  const kinds = programOf(model, options).instructions.map(({ kind }) => kind);
  if (kinds.includes('mergeRows') && kinds.includes('writeRows') && !kinds.includes('scatterAddRows')) return 'rows';
  assert.ok(!kinds.includes('mergeRows') && !kinds.includes('writeRows'));
  return kinds.filter((kind) => kind === 'scatterAddRows').length > 1 ? 'masked' : 'whole';
}

/** Weights after steps from the same start, whatever the size of the table, of which the first 12 rows are given. */
async function trained(model: Layer, options: Options, steps = 6): Promise<readonly (readonly [string, NdArray<Float32Array>])[]> {
  const start = model.weights();
  start.get('words.weight')!.data.set(new Philox(3).normal(12 * columns));
  start.get('head.weight')!.data.set(new Philox(4).normal(start.get('head.weight')!.size));
  model.setWeights(start);
  const trainer = new Trainer(model, { loss, ...options });
  for (let step = 0; step < steps; step++) await trainer.step(batches[step % batches.length]!);
  return [...model.weights()].map(([path, value]) => [path, path === 'words.weight' ? value.rows(0, 12) : value]);
}

/** Two models have the same weights, but for so many units of the last place of the larger of 1 and the value. */
async function agree(a: Layer, b: Layer, options: Options, ulps = 0): Promise<void> {
  const expected = new Map(await trained(b, options));
  for (const [path, { data }] of await trained(a, options)) {
    data.forEach((x, i) => {
      const y = expected.get(path)!.data[i]!;
      assert.ok(Math.abs(x - y) <= ulps * 2 ** -24 * Math.max(1, Math.abs(y)), `${path}, element ${i}: ${x} and ${y}`);
    });
  }
}

const lazy = (): Options => ({ optimizer: new Adam({ lr: 0.05 }) });
const plain = (): Options => ({ optimizer: new SGD({ lr: 0.1 }) });

describe('a large table is updated by rows', () => {
  const cases: readonly (readonly [string, Layer, Options, ReturnType<typeof way>])[] = [
    ['by SGD', once(40), plain(), 'rows'],
    ['by Adagrad', once(40), { optimizer: new Adagrad() }, 'rows'],
    ['by SGD, used twice', twice(40), plain(), 'rows'],
    ['by SGD with clipping', once(40), { ...plain(), clipNorm: 1, clipValue: 1 }, 'rows'],
    ['by Adam if it may be sparse', once(40, true), lazy(), 'rows'],
    ['but not a small one', once(12), plain(), 'whole'],
    ['and a small one that must be sparse through a mask', once(12, true), lazy(), 'masked'],
    ['and a small one that must be sparse as a whole where that is the same', once(12, true), plain(), 'whole'],
    ['but not by Adam', once(40), lazy(), 'whole'],
    ['but not by SGD with momentum', once(40), { optimizer: new SGD({ momentum: 0.9 }) }, 'whole'],
    ['but not by SGD with weight decay', once(40), { optimizer: new SGD({ weightDecay: 0.1 }) }, 'whole'],
    ['but not under a penalty', once(40), { ...plain(), penalties: [l2(0.1)] }, 'whole'],
    ['but not if it is a factor as well', ofIds(new Tied()), lazy(), 'whole'],
  ];
  for (const [what, model, options, expected] of cases) it(what, () => assert.equal(way(model, options), expected));
});

describe('updates by rows', () => {
  it('have the bits of the whole table with SGD', () => agree(once(40), once(12), plain()));
  it('have the bits of the whole table with Adagrad', () => agree(once(40), once(12), { optimizer: new Adagrad({ lr: 0.1 }) }));
  it('have the bits of the whole table with clipping by value', () => agree(once(40), once(12), { ...plain(), clipValue: 0.01 }));
  it('have the bits of the mask with Adam', () => agree(once(40, true), once(12, true), lazy()));
  it('have the bits of the mask with AdamW', () => agree(once(40, true), once(12, true), { optimizer: new AdamW({ lr: 0.05 }) }));
  it('have the bits of the mask with momentum', () =>
    agree(once(40, true), once(12, true), { optimizer: new SGD({ lr: 0.1, momentum: 0.9, weightDecay: 0.01 }) }));
  // The squares and, for two uses, the rows are added up in another order: some 6 roundings of gradients below 1, a tenth of them a step.
  it('count in the norm that is clipped', () => agree(once(40), once(12), { ...plain(), clipNorm: 0.05 }, 6));
  it('are right for a table used twice', () => agree(twice(40), twice(12), plain(), 6));
  it('are right for a sparse table used twice', () =>
    agree(twice(40, true), twice(12, true), { optimizer: new SGD({ lr: 0.1, momentum: 0.9 }) }, 12));

  it('leave the other rows of a million and their state alone', async () => {
    const model = once(1e6, true);
    const equipment = new Equipment(model.model, { loss, ...lazy() });
    const { slots, recipe } = equipment;
    const state = async (): Promise<readonly Float32Array[]> => [model.weights().get('words.weight')!.data, ...[...(await slots.snapshot()).values()].map(({ data }) => data as Float32Array)]; // prettier-ignore
    const before = await state();
    checkBatch('step', batches[0]!, equipment);
    model.model.beginTraining('step', []);
    await new StepRunner(equipment).runBatch('step', batches[0]!, new Totals(recipe), new Control(), {});
    const ids = new Set(batches[0]!.x.data);
    (await state()).forEach((values, i) => {
      const changed = new Set<number>();
      for (let at = 0; at < 1e6 * columns; at++) if (values[at] !== before[i]![at]) changed.add(Math.floor(at / columns));
      assert.deepEqual([...changed].sort((a, b) => a - b), [...ids].sort((a, b) => a - b), `array ${i}`); // prettier-ignore
    });
  });

  it('cost the same for a million rows as for ten thousand', () => {
    // Everything a program says of its sizes: what it computes, what it keeps, and every word of the stream but the table's length.
    const [small, large] = [1e4, 1e6].map((rows) => programOf(once(rows, true), lazy())) as [Program, Program];
    assert.deepEqual(large.describe().flops, small.describe().flops);
    assert.equal(large.arenaBytes, small.arenaBytes);
    assert.deepEqual(large.instructions.map(({ kind }) => kind), small.instructions.map(({ kind }) => kind)); // prettier-ignore
    const sizes = (program: Program): readonly unknown[] =>
      program.instructions.map((x) => ({ ...('dims' in x && { dims: x.dims }), ...('count' in x && { count: x.count }) }));
    assert.deepEqual(sizes(large), sizes(small));
  });

  it('go on from a checkpoint with the same bits', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    try {
      const whole = await trained(once(40, true), lazy());
      const first = once(40, true);
      await trained(first, lazy(), 0);
      const trainer = new Trainer(first, { loss, ...lazy() });
      for (let step = 0; step < 3; step++) await trainer.step(batches[step % 2]!);
      await trainer.save(join(folder, 'checkpoint'));
      const second = once(40, true);
      const resumed = new Trainer(second, { loss, ...lazy() });
      await resumed.load(join(folder, 'checkpoint'));
      for (let step = 3; step < 6; step++) await resumed.step(batches[step % 2]!);
      for (const [path, value] of whole) assert.deepEqual(second.weights().get(path)!.data.subarray(0, value.size), value.data);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('have the same bits on 1, 2 and 4 threads', async () => {
    const before = getThreads();
    const x = array(Int32Array.from(new Philox(1).uniform(600, 0, 1), (u) => Math.floor(u * u * 5000)), [200, 3]); // prettier-ignore
    const y = array(Int32Array.from({ length: 200 }, (_, i) => i % 3));
    const train = async (threads: number, options: Options): Promise<readonly Float32Array[]> => {
      setThreads(threads);
      const network = { words: new Embedding(5000, 65, { sparse: true }), flat: new Flatten(), head: new Linear(3) };
      const model = new Sequential(network, { seed: 5 });
      await new Trainer(model, { loss, ...options }).fit({ x, y }, { epochs: 3, batchSize: 50 });
      return [...model.weights().values()].map(({ data }) => data);
    };
    try {
      for (const options of [plain, lazy]) {
        const expected = await train(1, { ...options(), clipNorm: 0.5 });
        for (const threads of [2, 4]) assert.deepEqual(await train(threads, { ...options(), clipNorm: 0.5 }), expected);
      }
    } finally {
      setThreads(before);
    }
  }).timeout(20000);
});

describe('optimizers that rest at zero', () => {
  const optimizers: readonly Optimizer[] = [
    new SGD(),
    new SGD({ momentum: 0.9 }),
    new SGD({ weightDecay: 0.1 }),
    new Adagrad(),
    new Adagrad({ weightDecay: 0.1 }),
    new Adam(),
    new AdamW(),
    new RMSprop(),
  ];
  for (const optimizer of optimizers) {
    it(`${optimizer.constructor.name} ${JSON.stringify(optimizer)}`, () => {
      const update = compile((...tensors: Tensor[]) => {
        const [p, g, ...rest] = tensors as [Tensor, Tensor, ...Tensor[]];
        const named = (names: readonly string[], from: number): Record<string, Tensor> =>
          Object.fromEntries(names.map((name, i) => [name, rest[from + i]!]));
        const next = optimizer.update(p, g, named(optimizer.slots, 0), named(optimizer.scalars, optimizer.slots.length));
        return [next.parameter, ...optimizer.slots.map((name) => next.slots[name]!)];
      });
      const state = [undefined, ...optimizer.slots].map((_, i) => array(new Philox(i).uniform(100, 0.5, 1)));
      const numbers = new Float32Array(optimizer.scalars.length);
      optimizer.writeScalars(numbers, 0, 3, 0.1);
      const [p, ...slots] = state;
      const after = update.sync(p!, array(new Float32Array(100)), ...slots, ...[...numbers].map((value) => array(value)));
      const rests = after.every(({ data }, i) => data.every((x, j) => x === state[i]!.data[j]));
      assert.equal(optimizer.restsAtZero, rests);
    });
  }
});
