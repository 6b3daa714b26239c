/** A call that is refused changes nothing: not the weights, and not what a model may be built for. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import {
  Adam,
  type Batch,
  BatchNorm,
  CrossEntropyLoss,
  EarlyStopping,
  Embedding,
  type FitContext,
  type FitOptions,
  GRU,
  LSTM,
  LastStep,
  Layer,
  Linear,
  Loss,
  MSELoss,
  Metric,
  Optimizer,
  ReLU,
  SGD,
  type Scope,
  Sequential,
  type Tensor,
  Trainer,
  type TrainerOptions,
  type Update,
  add,
  argmax,
  array,
  cast,
  equal,
  mean,
  reshape,
  sum,
  transpose,
  PReLU,
  type Snapshot,
} from '../../lib/index.js';
import { kindOf } from '../../lib/options.js';
import { Callback } from '../../lib/training/callback.js';
import { classProblem } from '../support/problems.js';

const zeros = (...shape: number[]): ReturnType<typeof array<Float32Array>> =>
  array(new Float32Array(shape.reduce((n, size) => n * size, 1)), shape);
const trainerOf = (model: Layer<never>, options: Partial<TrainerOptions> = {}): Trainer =>
  new Trainer(model, { loss: new MSELoss(), optimizer: new SGD(), ...options });

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

describe('natural mistakes', () => {
  const model = new Sequential([new Linear(2)]);
  const trainer = trainerOf(model);
  const good = { x: zeros(4, 3), y: zeros(4, 2) };
  const wrong: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    ['fit()', () => trainer.fit(undefined as never), /^fit: expected \{ x, y \} of arrays, or batches as they come, got undefined/],
    ['fit without y', () => trainer.fit({ x: good.x } as never), /^fit: expected \{ x, y \}/],
    [
      'fit of a typed array',
      () => trainer.fit({ x: new Float32Array(1e7), y: good.y } as never),
      /^fit: .* made by array\(\), got Float32Array/,
    ],
    ['fit without values', () => trainer.fit({ x: undefined, y: good.y } as never), /^fit: .* made by array\(\), got undefined/],
    [
      'fit of inputs by name',
      () => trainer.fit({ x: { src: good.x, tgt: good.x }, y: good.y } as never),
      /^fit: expected data made by array\(\), got Object\. Give several inputs as a list, in the order of forward: \[a, b\]\.$/,
    ],
    [
      'fit with weights in a list',
      () => trainer.fit({ ...good, sampleWeight: [1, 1, 1, 1] } as never),
      /^fit: expected sampleWeight made by array\(\), got Array\. Wrap it/,
    ],
    ['fit of a list without batches', () => trainer.fit([undefined] as never), /^fit: expected \{ x, y \} of arrays, got undefined/],
    ['evaluate of a list of arrays', () => trainer.evaluate([good.x] as never), /^evaluate: expected \{ x, y \} of arrays, got NdArray/],
    [
      'fit of a function that gives nothing',
      () => trainer.fit((() => undefined) as never),
      /^fit epoch 1: .* got undefined\. Return a list/,
    ],
    ['fit of an async function', () => trainer.fit((async () => [good]) as never), /^fit epoch 1: .* got Promise\. Return a list/],
    ['step()', () => trainer.step(undefined as never), /^step: expected \{ x, y \} of arrays, got undefined/],
    ['evaluate()', () => trainer.evaluate(undefined as never), /^evaluate: expected \{ x, y \}/],
    ['step without x', () => trainer.step({ y: good.y } as never), /^step: expected \{ x, y \}/],
    ['predict()', () => model.predict(undefined as never), /predict: expected data made by array\(\), got undefined/],
    ['predict of options', () => model.predict({} as never), /got Object/],
    ['predict with an unknown option', () => model.predict(good.x, { batchsize: 1 } as never), /^predict: .* got batchsize/],
    ['build with an unknown option', async () => model.build([3], { dtype: 'int32' } as never), /^build: .* got dtype/],
    ['build for an unknown type', async () => model.build([3], { dtypes: ['float16'] } as never), /^build: expected .* for dtypes/],
    ...[5, undefined, null, [[2], 3], [5, [2]], [null], good.x].map(
      (shape) =>
        [
          `build(${inspect(shape)})`,
          async () => model.build(shape as never),
          /^build: expected a list of sizes, or one such list for each input, got .*\. Give the shape of a row, without the batch dimension/,
        ] as const,
    ),
    ['a trainer of a list', async () => trainerOf([new Linear(2)] as never), /^Trainer: expected a layer for model, got Array/],
  ];
  for (const [name, call, message] of wrong) it(name, () => assert.rejects(call, { message }));

  const noTargets: readonly (readonly [unknown, string])[] = [
    ...[undefined, null, 7, [good.y], Float32Array.of(1, 2)].map(
      (y) =>
        [
          y,
          `expected y made by array(), got ${kindOf(y)}. Wrap it: array(data, shape), or give several targets by name: { a, b }.`,
        ] as const,
    ),
    [{}, 'expected targets y for MSELoss, whose forward takes them, got none. Give an array, or { a, b } by name.'],
    [{ a: undefined }, 'expected y.a made by array(), got undefined. Wrap it: array(data, shape).'],
  ];
  for (const [y, problem] of noTargets) {
    const data = { x: good.x, y } as never;
    it(`targets ${inspect(y, { depth: 0 })}`, async () => {
      const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
        ['fit', () => trainer.fit(data)],
        ['fit', () => trainer.fit([data])],
        ['fit validation', () => trainer.fit(good, { validation: data })],
        ['fit validation', () => trainer.fit(good, { validation: [data] })],
        ['evaluate', () => trainer.evaluate(data)],
        ['evaluate', () => trainer.evaluate([data])],
        ['step', () => trainer.step(data)],
        // In its turn after another, so that it is copied first.
        [
          'step',
          () => {
            const first = trainer.step(good);
            return trainer.step(data).finally(() => first);
          },
        ],
      ];
      for (const [what, call] of calls) {
        await assert.rejects(call, { name: 'DataError', message: `${what}: ${problem}` });
      }
    });
  }

  class Two extends Layer<[Tensor, Tensor]> {
    forward(a: Tensor, b: Tensor, scope: Scope): Tensor {
      return scope.call('sum', new Linear(2), add(a, b));
    }
  }
  it('too many or too few inputs', async () => {
    await assert.rejects(new Sequential([new Linear(2)]).predict([good.x, good.x]), {
      name: 'ShapeError',
      message: /^Sequential: expected 1 input, got 2/,
    });
    await assert.rejects(new Two().predict(good.x), { name: 'ShapeError', message: /^Two: expected 2 inputs, got 1/ });
  });
  for (const [what, value] of [
    ['undefined', undefined],
    ['Array', []],
    ['number', 3],
    ['Promise', Promise.resolve()],
  ] as const) {
    it(`a forward that returns ${what}`, async () => {
      class Odd extends Layer {
        forward(): Tensor {
          return value as never;
        }
      }
      await assert.rejects(new Odd().predict(good.x), {
        name: 'ShapeError',
        message: `Odd: expected forward to return a tensor, or tensors by name, got ${what}.${what === 'Array' ? ' Give several outputs by name: { a, b }.' : ''}`,
      });
    });
  }
});

describe('what users of the library write', () => {
  const data = classProblem(8, 4, 3);
  const net = (): Sequential => new Sequential([new Linear(3)]);
  const rejects = (options: Partial<TrainerOptions>, message: RegExp): Promise<void> =>
    assert.rejects(trainerOf(net(), { loss: new CrossEntropyLoss(), ...options }).fit(data), { message });
  it('a schedule that gives no number', () =>
    rejects({ optimizer: new SGD({ lr: (() => undefined) as never }) }, /from the schedule of lr for step 0, got undefined/));
  it('a schedule that gives NaN, before the steps it is for', async () => {
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss(), optimizer: new Adam({ lr: (step) => (step < 5 ? 0.1 : NaN) }) });
    await assert.rejects(trainer.fit(data, { batchSize: 4, epochs: 4 }), { name: 'OptionError', message: /for step 5, got NaN/ });
    assert.equal(trainer.steps, 4);
  });
  it('a learning rate set by hand that is none', async () => {
    const optimizer = new SGD({ lr: 0.1 });
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss(), optimizer });
    await trainer.fit(data);
    for (const lr of [-1, NaN, 'fast' as never]) {
      optimizer.lr = lr;
      await assert.rejects(trainer.fit(data), { name: 'OptionError', message: /^Trainer: expected a number ≥ 0 for lr, got / });
    }
    assert.equal(trainer.steps, 1);
  });
  it('data without its targets, or without its inputs', async () => {
    for (const [missing, some] of [
      ['y', { x: data.x }],
      ['x', { y: data.y }],
    ] as const) {
      const message = new RegExp(
        `^(fit|step): expected { x, y } of arrays(, or batches as they come)?, got an object without ${missing}\\.$`,
      );
      await assert.rejects(trainerOf(net(), { loss: new CrossEntropyLoss() }).fit(some as never), { name: 'DataError', message });
      await assert.rejects(trainerOf(net(), { loss: new CrossEntropyLoss() }).step(some as never), { name: 'DataError', message });
    }
  });
  it('a metric that is no single number', () => {
    class Vector extends Metric {
      readonly name = 'vector';
      forward(prediction: Tensor): Tensor {
        return sum(prediction, { axes: 0 });
      }
    }
    return rejects(
      { metrics: [new Vector()] },
      /^vector: expected a tensor of one number, got shape \[3\]\. Return what mean\(\) or sum\(\) gives\.$/,
    );
  });
  it('a metric that is weighed by a number of JavaScript', () => {
    class Weighed extends Metric {
      readonly name = 'weighed';
      forward(prediction: Tensor): Tensor {
        return mean(prediction);
      }
      override weight(): Tensor {
        return 3 as never;
      }
    }
    return rejects({ metrics: [new Weighed()] }, /^weight of weighed: expected a tensor of one number, got number\./);
  });
  it('a penalty that is no single number', async () => {
    await rejects({ penalties: [([w]) => w!] }, /^penalty: expected a tensor of one number, got shape \[\d+, \d+\]\. Return what mean/);
    await rejects({ penalties: [() => 5 as never] }, /^penalty: expected a tensor of one number, got number\./);
  });
  it('a metric and a loss of whole numbers', async () => {
    class Three extends Metric {
      readonly name = 'three';
      forward(prediction: Tensor): Tensor {
        return cast(add(mean(prediction), 3), 'int32');
      }
    }
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0 }), metrics: [new Three()] });
    assert.ok([2, 3, 4].includes((await trainer.evaluate(data)).three!));
  });
  it('a loss that gives nothing', () => {
    class None extends Loss {
      forward(): Tensor {
        return undefined as never;
      }
    }
    return rejects({ loss: new None() }, /^None: expected a tensor of one number, got undefined/);
  });
  it('a loss that no gradient comes out of, which would train nothing in silence', async () => {
    class Share extends Loss {
      forward(prediction: Tensor, target: Tensor): Tensor {
        return mean(cast(equal(argmax(prediction), target), 'float32'));
      }
    }
    const message =
      'Share: expected a loss with a gradient by the trained parameters, got one that does not depend on them. Comparisons, argmax, rounding, casts and stopGradient let none through.';
    const trainer = trainerOf(net(), { loss: new Share() });
    await assert.rejects(trainer.fit(data), { name: 'StateError', message });
    assert.ok((await trainer.evaluate(data)).loss <= 1);
  });
  it('an optimizer that forgets a slot or gives a scalar', async () => {
    class Rule extends Optimizer {
      readonly slots = ['m'];
      readonly lr = 0.1;
      constructor(readonly rule: (parameter: Tensor, gradient: Tensor) => Update) {
        super();
      }
      update(parameter: Tensor, gradient: Tensor): Update {
        return this.rule(parameter, gradient);
      }
    }
    await rejects(
      { optimizer: new Rule((parameter) => ({ parameter, slots: {} })) },
      /^Rule: expected float32 \[32\] for slot m from update, got undefined/,
    );
    await rejects(
      { optimizer: new Rule((parameter) => ({ parameter: sum(parameter), slots: { m: parameter } })) },
      /for parameter from update, got float32 \[\]/,
    );
  });
});

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

describe('a fit in time', () => {
  const net = (): Sequential => new Sequential([new Linear(64), new ReLU(), new Linear(3)]);
  const data = classProblem(512, 4, 3);
  it('is stopped by what a report throws, with that error', async () => {
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss() });
    const failure = new Error('no screen');
    const onProgress = (): never => {
      throw failure;
    };
    await assert.rejects(trainer.fit(classProblem(100_000, 4, 3), { batchSize: 1, onProgress }), failure);
    assert.ok(trainer.steps > 0 && trainer.steps < 100_000, String(trainer.steps));
    // Steps so long that the first report comes while they run.
    const large = trainerOf(new Sequential([new Linear(2048), new ReLU(), new Linear(3)]), { loss: new CrossEntropyLoss() });
    await assert.rejects(large.fit(classProblem(100_000, 4, 3), { batchSize: 64, onProgress }), failure);
    assert.ok(large.steps > 0 && large.steps < 1000, String(large.steps));
  });
  it('is stopped by a report that is rejected, of batches as they come too', async () => {
    const failure = new Error('no database');
    const onProgress = (): Promise<void> => setImmediate().then(() => Promise.reject(failure));
    const feeds: readonly (readonly [Batch | readonly Batch[], FitOptions])[] = [
      [classProblem(100_000, 4, 3), { batchSize: 1 }],
      [[data], {}],
    ];
    for (const [feed, options] of feeds) {
      const trainer = trainerOf(net(), { loss: new CrossEntropyLoss() });
      await assert.rejects(trainer.fit(feed, { ...options, onProgress }), failure);
      assert.ok(trainer.steps > 0 && trainer.steps < 100_000, String(trainer.steps));
    }
  });
  it('is aborted while a source of batches keeps it waiting', async () => {
    let closed = false;
    const abort = new AbortController();
    async function* hanging(): AsyncGenerator<Batch> {
      try {
        yield data;
        setTimeout(() => abort.abort(new Error('enough')), 5);
        await new Promise(() => undefined);
      } finally {
        closed = true;
      }
    }
    await assert.rejects(trainerOf(net(), { loss: new CrossEntropyLoss() }).fit(hanging, { signal: abort.signal }), { message: 'enough' });
    assert.equal(closed, false);
  });
  it('closes a source that it leaves early', async () => {
    let closed = false;
    function* two(): Generator<Batch> {
      try {
        yield data;
        yield { x: zeros(4, 9), y: data.y };
      } finally {
        closed = true;
      }
    }
    await assert.rejects(trainerOf(net(), { loss: new CrossEntropyLoss() }).fit(two), { name: 'ShapeError' });
    assert.ok(closed);
  });
  it('is aborted with its reason though the source fails as it is closed', async () => {
    const abort = new AbortController();
    const endless: Iterable<Batch> = {
      [Symbol.iterator]: () => ({
        next: () => ({ done: false, value: data }),
        return: () => {
          throw new Error('of the source');
        },
      }),
    };
    setTimeout(() => abort.abort(new Error('enough')), 5);
    await assert.rejects(trainerOf(net(), { loss: new CrossEntropyLoss() }).fit(endless, { signal: abort.signal }), { message: 'enough' });
  });
  it('is aborted within its last validation', async () => {
    const abort = new AbortController();
    const rows = 400_000;
    const validation = { x: zeros(rows, 4), y: array(new Int32Array(rows)) };
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss() });
    let trained = false;
    const onProgress = (): void => {
      if (!trained) setTimeout(() => abort.abort(new Error('enough')), 5);
      trained = true;
    };
    await assert.rejects(trainer.fit(data, { batchSize: 512, validation, signal: abort.signal, onProgress }), { message: 'enough' });
  });
  it('is aborted in debug mode, and counts the steps before the first NaN', async () => {
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss() });
    const signal = AbortSignal.timeout(30);
    await assert.rejects(trainer.fit(data, { epochs: 1e6, debug: true, signal }), { name: 'TimeoutError' });
    const x = array(data.x.data.slice(), data.x.shape);
    x.data[4 * 70] = NaN;
    const fresh = trainerOf(net(), { loss: new CrossEntropyLoss() });
    await assert.rejects(fresh.fit({ x, y: data.y }, { batchSize: 32, shuffle: false, debug: true }), {
      name: 'DataError',
      message: /in step 2,/,
    });
    assert.equal(fresh.steps, 2);
  });
  it('takes arrays as they are when it begins, those of the validation too', async () => {
    const y = array(data.y.data.slice());
    const x = array(data.x.data.slice(), data.x.shape);
    class Take extends Callback {
      override onStart(): void {
        structuredClone(x.data.buffer, { transfer: [x.data.buffer, y.data.buffer] });
      }
    }
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0 }) });
    const expected = await trainer.evaluate(data);
    const { last } = await trainer.fit(data, { epochs: 2, validation: { x, y }, callbacks: [new Take()] });
    assert.equal(last!.metrics.valLoss, (await trainer.evaluate(data, { batchSize: 256 })).loss);
    const call = trainer.evaluate({ x: array(data.x.data.slice(), data.x.shape), y: array(data.y.data) });
    assert.equal((await call).loss, expected.loss);
  });
  it('is aborted by its last callback', async () => {
    const abort = new AbortController();
    class Last extends Callback {
      override onEpoch(): void {
        abort.abort(new Error('enough'));
      }
    }
    const trainer = trainerOf(net(), { loss: new CrossEntropyLoss() });
    await assert.rejects(trainer.fit(data, { callbacks: [new Last()], signal: abort.signal }), { message: 'enough' });
  });
  it('begins with weights of its own seed, whatever is called first', async () => {
    const first = async (call: (trainer: Trainer) => Promise<unknown>): Promise<unknown> => {
      const model = net();
      await call(trainerOf(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0 }), seed: 7 }));
      return model.weights();
    };
    const weights = await first((trainer) => trainer.predict(data.x));
    assert.deepEqual(await first((trainer) => trainer.fit(data)), weights);
    assert.deepEqual(await first((trainer) => trainer.evaluate(data)), weights);
  });
  for (const [result, kind] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [7, 'number'],
  ] as const)
    // prettier-ignore
    it(`refuses an iterator that gives no results: ${kind}`, () =>
      assert.rejects(trainerOf(net()).fit({ [Symbol.asyncIterator]: () => ({ next: async () => result as never }) }), {
        name: 'DataError',
        message: `fit epoch 1: expected an iterator whose next() gives { value, done }, got ${kind}.`,
      }));
  it('refuses a snapshot of another model', async () => {
    const model = new Sequential([new Linear(3)]).build([4]);
    const of = (other: Layer): Snapshot => ({ weights: other.weights() });
    const refused: string[] = [];
    class Restore extends Callback {
      override onEpoch(_: unknown, context: FitContext): void {
        const before = model.weights();
        const wider = new Sequential([new Linear(4)]).build([3]); // As many values.
        const longer = new Sequential([new Linear(3), new PReLU()]).build([4]);
        for (const snapshot of [of(wider), of(longer), of(new Linear(3).build([4])), { weights: new Float32Array(3) } as never]) {
          try {
            context.restore(snapshot);
          } catch (error) {
            refused.push(String(error));
          }
        }
        assert.deepEqual(model.weights(), before);
        const like = new Sequential([new Linear(3)], { seed: 4 }).build([4]);
        context.restore(of(like));
        assert.deepEqual(model.weights(), like.weights());
      }
    }
    await trainerOf(model, { loss: new CrossEntropyLoss() }).fit(data, { callbacks: [new Restore()] });
    const expected = 'StateError: restore: expected a snapshot of this model, got';
    const advice = 'Give one that snapshot() made in a fit of it.';
    assert.deepEqual(refused, [
      `${expected} one without "0.weight" [4, 3]. ${advice}`,
      `${expected} one of 3 weights, not 2. ${advice}`,
      `${expected} one without "0.weight" [4, 3]. ${advice}`,
      `${expected} Float32Array. ${advice}`,
    ]);
  });
});

describe('EarlyStopping', () => {
  it('takes the first epoch with a number for the best', async () => {
    const batch = classProblem(8, 4, 3);
    const broken = { x: array(new Float32Array(32).fill(NaN), [8, 4]), y: batch.y };
    const stopping = new EarlyStopping({ patience: 2 });
    let epoch = 0;
    const validation = (): readonly Batch[] => [epoch++ === 0 ? broken : batch];
    const trainer = trainerOf(new Sequential([new Linear(3)]), { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.01 }) });
    const { epochs, stopped } = await trainer.fit(batch, { epochs: 4, validation, callbacks: [stopping] });
    assert.deepEqual([stopped, epochs.length, stopping.bestEpoch, stopping.best], ['completed', 4, 4, epochs[3]!.metrics.valLoss]);
    assert.ok(Number.isNaN(epochs[0]!.metrics.valLoss));
  });
});
