import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import {
  Adam,
  BCEWithLogitsLoss,
  BatchNorm,
  Callback,
  CrossEntropyLoss,
  DataError,
  Embedding,
  type FitContext,
  GRU,
  Layer,
  Linear,
  MSELoss,
  MeanOverTime,
  type NdArray,
  type Optimizer,
  type Scope,
  Philox,
  ReLU,
  SGD,
  Sequential,
  ShapeError,
  StateError,
  Tanh,
  Trainer,
  type TrainerOptions,
  add,
  array,
  compile,
  matmul,
  mul,
  reshape,
  slice,
  sub,
  sum,
  zeros,
  type Tensor,
} from '../../lib/index.js';

const x = array(new Philox(9).normal(30), [10, 3]);
const classes = array(Int32Array.from({ length: 10 }, (_, i) => i % 2));
const wanted = array(new Float32Array(10).fill(1), [10, 1]);

interface Models {
  readonly encoder: Sequential;
  readonly autoencoder: Sequential;
  /** Has the encoder, too. */
  readonly classifier: Sequential;
}

function models(): Models {
  const encoder = new Sequential([new Linear(4), new BatchNorm(), new ReLU()]);
  return {
    encoder,
    autoencoder: new Sequential({ encoder, decoder: new Linear(3) }, { seed: 1 }),
    classifier: new Sequential({ encoder, head: new Linear(2) }, { seed: 2 }),
  };
}

function trainerOf(model: Layer, options: Partial<TrainerOptions> = {}): Trainer {
  return new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }), ...options });
}

function classifierTrainer(model: Sequential, options: Partial<TrainerOptions> = {}): Trainer {
  return trainerOf(model, { loss: new CrossEntropyLoss(), ...options });
}

/** Below a path, by the rest of theirs. */
function below(model: Layer, path: string): Map<string, NdArray> {
  return new Map(
    [...model.weights()].flatMap(([name, value]) => (name.startsWith(`${path}.`) ? [[name.slice(path.length + 1), value]] : [])),
  );
}

function zerosOf(model: Layer): Map<string, NdArray> {
  return new Map([...model.weights()].map(([path, { shape, size }]) => [path, array(new Float32Array(size), shape)]));
}

function isShared({ encoder, autoencoder, classifier }: Models): void {
  assert.deepEqual(below(autoencoder, 'encoder'), encoder.weights());
  assert.deepEqual(below(classifier, 'encoder'), encoder.weights());
}

async function inFolder(use: (path: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
  try {
    await use((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const orders: Readonly<Record<string, (models: Models) => unknown>> = {
  'the whole first': ({ autoencoder, classifier }) => [autoencoder, classifier].map((model) => model.build([3])),
  'the layer first': ({ encoder, autoencoder, classifier }) => [encoder, classifier, autoencoder].map((model) => model.build([3])),
  'by predict': async ({ classifier, autoencoder }) => [await classifier.predict(x), await autoencoder.predict(x)],
  'by predictSync': ({ classifier, autoencoder }) => [classifier.predictSync(x), autoencoder.predictSync(x)],
  'by evaluate': async ({ classifier, autoencoder }) => [
    await classifierTrainer(classifier).evaluate({ x, y: classes }),
    await trainerOf(autoencoder).evaluate({ x, y: x }),
  ],
  'both at once': ({ classifier, autoencoder }) => Promise.all([classifier.predict(x), autoencoder.predict(x)]),
};

describe('a layer of several models', () => {
  for (const [name, build] of Object.entries(orders))
    it(`has the same weights in each, whichever is trained: built ${name}`, async () => {
      const all = models();
      const { encoder, autoencoder, classifier } = all;
      await build(all);
      isShared(all);
      const seen = new Set<number>();
      for (let round = 0; round < 2; round++) {
        await trainerOf(autoencoder).fit({ x, y: x }, { epochs: 2 });
        isShared(all);
        seen.add(encoder.weights().get('0.weight')!.data[0]!);
        await classifierTrainer(classifier).fit({ x, y: classes }, { epochs: 2 });
        isShared(all);
        seen.add(encoder.weights().get('0.weight')!.data[0]!);
      }
      assert.equal(seen.size, 4);
      assert.deepEqual((await classifier.predict(x)).shape, [10, 2]);
      assert.equal(classifier.summary().parameters, 24 + 10);
    });

  // As with two models that are given each other's weights after each step.
  const optimizers: Readonly<Record<string, () => Optimizer>> = {
    SGD: () => new SGD({ lr: 0.1, momentum: 0.9 }),
    Adam: () => new Adam({ lr: 0.01 }),
  };
  for (const [name, optimizer] of Object.entries(optimizers))
    it(`is trained with the bits of weights copied to and fro: ${name}`, async () => {
      const body = (): Layer[] => [new Linear(5), new BatchNorm(), new Tanh(), new Linear(3)];
      const inner = body();
      const one = new Sequential([inner[0]!, inner[1]!, inner[2]!, inner[3]!], { seed: 1 }).build([3]);
      const other = new Sequential([new Linear(3), inner[0]!, inner[1]!, new ReLU(), new Linear(5), inner[3]!], { seed: 2 }).build([3]);
      const [first, second] = [
        new Sequential(body(), { seed: 1 }).build([3]),
        new Sequential([new Linear(3), new Linear(5), new BatchNorm(), new ReLU(), new Linear(5), new Linear(3)]).build([3]),
      ];
      first.setWeights(one.weights());
      second.setWeights(other.weights());
      const paths = [['0', '1'], ['1', '2'], ['3', '5']] as const; // prettier-ignore
      const copy = (from: Layer, to: Layer, back: boolean): void => {
        for (const pair of paths) {
          const [source, target] = back ? [pair[1], pair[0]] : pair;
          to.setWeights(new Map([...below(from, source)].map(([path, value]) => [`${target}.${path}`, value])), { strict: false });
        }
      };
      const trainers = [one, other, first, second].map((model) => trainerOf(model, { optimizer: optimizer(), clipValue: 0.01 }));
      for (let step = 0; step < 5; step++) {
        await trainers[0]!.step({ x, y: x });
        await trainers[2]!.step({ x, y: x });
        copy(first, second, false);
        await trainers[1]!.step({ x, y: x });
        await trainers[3]!.step({ x, y: x });
        copy(second, first, true);
      }
      assert.deepEqual(one.weights(), first.weights());
      assert.deepEqual(other.weights(), second.weights());
      for (const pair of paths) assert.deepEqual(below(one, pair[0]), below(other, pair[1]));
    });

  it('is trained by accumulated gradients, by rows of a table and in groups', async () => {
    const ids = array(Int32Array.from({ length: 12 }, (_, i) => i % 5), [4, 3]); // prettier-ignore
    const y = array(new Philox(3).normal(8), [4, 2]);
    const run = async (isApart: boolean): Promise<readonly NdArray[]> => {
      const words = new Embedding(50, 4, { sparse: true });
      if (!isApart) new Sequential([words, new MeanOverTime(), new Linear(1)]).build([3], { dtypes: ['int32'] });
      const model = new Sequential({ words, mean: new MeanOverTime(), head: new Linear(2) }).build([3], { dtypes: ['int32'] });
      model.setWeights(new Map([...model.weights()].map(([path, { shape, size }]) => [path, array(new Philox(7).normal(size), shape)])));
      const optimizer = new Adam({ lr: 0.02 });
      const trainer = trainerOf(model, { optimizer, groups: [{ parameters: ['head.bias'], optimizer: new SGD({ lr: 0.5 }) }] });
      for (let step = 0; step < 4; step++) await trainer.step({ x: ids, y }, { update: step % 2 === 1 });
      await trainer.step({ x: ids, y });
      return [...model.weights().values()];
    };
    assert.deepEqual(await run(false), await run(true));
  });

  it('is what it was in the first, if the second is built with a seed of its own', () => {
    const { encoder, classifier, autoencoder } = models();
    const first = autoencoder.build([3]).weights();
    classifier.build([3]);
    assert.deepEqual(autoencoder.weights(), first);
    assert.deepEqual(below(classifier, 'encoder'), encoder.weights());
    assert.deepEqual(below(classifier, 'head').get('weight'), below(models().classifier.build([3]), 'head').get('weight'));
  });

  it('is set, saved and loaded through each', () =>
    inFolder(async (path) => {
      const all = models();
      const { autoencoder, classifier } = all;
      autoencoder.build([3]);
      classifier.build([3]);
      classifier.setWeights(zerosOf(classifier));
      assert.ok([...below(autoencoder, 'encoder').values()].every(({ data }) => data.every((value) => value === 0)));
      isShared(all);
      autoencoder.setWeights(new Map([['encoder.0.bias', array([7, 7, 7, 7])]]), { strict: false });
      assert.deepEqual(below(classifier, 'encoder').get('0.bias'), array([7, 7, 7, 7]));

      await classifierTrainer(classifier).step({ x, y: classes });
      await classifier.save(path('classifier'));
      const other = models();
      other.autoencoder.build([3]);
      await other.classifier.load(path('classifier')); // Which was not built.
      assert.deepEqual(other.classifier.weights(), classifier.weights());
      isShared(other);

      const third = models();
      third.autoencoder.build([3]);
      const before = third.autoencoder.weights();
      await autoencoder.save(path('autoencoder'));
      await assert.rejects(third.classifier.load(path('autoencoder')), StateError);
      assert.deepEqual(third.autoencoder.weights(), before);
      assert.throws(() => third.classifier.weights(), /never built/);
    }));

  it('is loaded by calls at the same time, the last of which stays', () =>
    inFolder(async (path) => {
      const all = models();
      const { autoencoder, classifier } = all;
      const [first, second] = [models(), models()].map(({ classifier: other }) => other.build([3]));
      second!.setWeights(zerosOf(second!));
      await Promise.all([first!.save(path('first')), second!.save(path('second')), autoencoder.build([3]).save(path('whole'))]);
      await Promise.all([autoencoder.load(path('whole')), classifier.load(path('first')), classifier.load(path('second'))]);
      assert.deepEqual(classifier.weights(), second!.weights());
      isShared(all);
      await Promise.all([classifier.load(path('second')), autoencoder.load(path('whole'))]);
      assert.notDeepEqual(below(classifier, 'encoder'), below(second!, 'encoder'));
      isShared(all);
      const late = classifier.load(path('second'));
      autoencoder.setWeights(zerosOf(autoencoder)); // At once: a step could meet the load at any of its stages.
      await assert.rejects(late, /^StateError: load: expected weights that nobody sets or trains while others are loaded/);
      isShared(all);
    }));

  it('goes on from a checkpoint of one of them', () =>
    inFolder(async (path) => {
      const run = async (isCut: boolean): Promise<Map<string, NdArray>> => {
        let all = models();
        const trainersOf = ({ autoencoder, classifier }: Models): readonly Trainer[] => [
          trainerOf(autoencoder.build([3]), { optimizer: new Adam() }),
          classifierTrainer(classifier.build([3]), { optimizer: new Adam() }),
        ];
        let trainers = trainersOf(all);
        await trainers[0]!.fit({ x, y: x }, { epochs: 2 });
        await trainers[1]!.fit({ x, y: classes }, { epochs: 2 });
        if (isCut) {
          for (const [i, trainer] of trainers.entries()) await trainer.save(path(String(i)));
          all = models();
          trainers = trainersOf(all);
          for (const [i, trainer] of trainers.entries()) await trainer.load(path(String(i)));
        }
        await trainers[0]!.fit({ x, y: x }, { epochs: 2 });
        await trainers[1]!.fit({ x, y: classes }, { epochs: 2 });
        isShared(all);
        return all.classifier.weights();
      };
      assert.deepEqual(await run(true), await run(false));
    }));

  it('has what was set on a model of it before that was built', () => {
    const all = models();
    all.classifier.setWeights(new Map([['encoder.0.bias', array([1, 2, 3, 4])]]), { strict: false });
    all.autoencoder.build([3]);
    assert.notDeepEqual(all.encoder.weights().get('0.bias'), array([1, 2, 3, 4]));
    all.classifier.build([3]);
    assert.deepEqual(all.encoder.weights().get('0.bias'), array([1, 2, 3, 4]));
    isShared(all);
  });

  it('streams with them', async () => {
    const gru = new GRU(4);
    const whole = new Sequential({ gru, head: new Linear(2) }, { seed: 1 });
    const other = new Sequential({ gru }, { seed: 2 }).build([5, 3]);
    const sequence = array(new Philox(3).normal(15), [1, 5, 3]);
    await trainerOf(whole).step({ x: sequence, y: array(new Float32Array(10), [1, 5, 2]) });
    const first = (stream: ReturnType<GRU['stream']>): NdArray => stream.step(array(sequence.data.slice(0, 3), [1, 3]));
    assert.deepEqual(first(other.stream()), first(gru.stream()));
  });

  it('is read by other programs as it is then', async () => {
    const { autoencoder, encoder } = models();
    const features = new Sequential({ encoder }).build([3]);
    const f = compile((input: Tensor) => features.outputOf(input));
    for (let round = 0; round < 2; round++) {
      await trainerOf(autoencoder).fit({ x, y: x });
      assert.deepEqual((await f(x)).data, (await encoder.predict(x)).data);
    }
  });

  it('is in each call what it was as that was called, whatever changes it meanwhile', async () => {
    const { encoder, autoencoder } = models();
    const features = new Sequential({ encoder }).build([3]);
    const trainer = trainerOf(features);
    const y = array(new Float32Array(40), [10, 4]);
    for (let round = 0; round < 2; round++) {
      await trainerOf(autoencoder).fit({ x, y: x }, { epochs: 3 });
      const expected = await encoder.predict(x);
      const calls = [features.predict(x), features.predict(x)];
      const evaluation = trainer.evaluate({ x, y });
      autoencoder.setWeights(zerosOf(autoencoder));
      const { data } = await features.predict(x);
      assert.ok(data.every((value) => value === 0));
      assert.deepEqual(await Promise.all(calls), [expected, expected]);
      const loss = expected.data.reduce((total, value) => total + value ** 2, 0) / 40;
      assert.ok(Math.abs((await evaluation).loss - loss) < 1e-6);
      autoencoder.setWeights(new Map([...models().autoencoder.build([3]).weights()]));
    }
  });

  it('stays built with a model that another shares it with, though the call that built it is refused', async () => {
    const { encoder, autoencoder, classifier } = models();
    const fit = classifierTrainer(classifier).fit(async function* () {
      yield { x, y: array(new Int32Array(10).fill(9)) };
    });
    const evaluation = assert.rejects(fit, DataError);
    autoencoder.build([3]);
    await evaluation;
    classifier.build([3]);
    isShared({ encoder, autoencoder, classifier });
  });

  it('is refused where it has something that it was not asked for at first', () => {
    const inner = new Linear(3);
    class Tied extends Layer {
      forward(input: Tensor, scope: Scope): Tensor {
        return scope.enter('inner', inner, (own) => ({ y: matmul(input, own.parameter('weight', [3, 3], zeros())) })).y;
      }
    }
    new Tied().build([3]);
    assert.throws(() => new Sequential({ inner }).build([3]), {
      name: ShapeError.name,
      message: /^Linear "inner": expected no parameter "bias" that it has in a Tied, with which it shares its weights, got \[3\]\./,
    });
  });

  it('is refused where its sizes are others', () => {
    const { autoencoder, classifier } = models();
    classifier.build([5]);
    const message =
      'Linear "encoder.0": expected the [5, 4] "weight" that it has in a Sequential, with which it shares its weights, got [3, 4]. Give input of the size it was built with, or a new Linear: layers of models that are to share nothing are made in a function.';
    for (let i = 0; i < 2; i++) assert.throws(() => autoencoder.build([3]), { name: ShapeError.name, message });
    assert.equal(below(autoencoder.build([5]), 'decoder').get('weight')!.size, 12);
  });
});

describe('weights that were set on a model before it was built', () => {
  const given = new Map([['encoder.0.bias', array([1, 2, 3, 4])]]);
  const bias = (model: Layer): NdArray => model.weights().get('encoder.0.bias')!;

  for (const call of ['fit', 'step'] as const)
    it(`are what its first ${call} begins with`, async () => {
      const { autoencoder, classifier } = models();
      autoencoder.build([3]);
      classifier.setWeights(given, { strict: false });
      await classifierTrainer(classifier, { optimizer: new SGD({ lr: 0 }) })[call]({ x, y: classes });
      assert.deepEqual(bias(classifier), array([1, 2, 3, 4]));
      assert.deepEqual(bias(autoencoder), array([1, 2, 3, 4]));
    });

  it('are not, where they were set or trained since in another', async () => {
    const { encoder, autoencoder, classifier } = models();
    classifier.setWeights(given, { strict: false });
    await trainerOf(autoencoder).fit({ x, y: x });
    const before = bias(autoencoder);
    await classifier.predict(x);
    assert.deepEqual(bias(classifier), before);
    assert.deepEqual(bias(autoencoder), before);
    const other = new Sequential({ encoder });
    other.setWeights(given, { strict: false });
    encoder.setWeights(new Map([['0.bias', array([5, 6, 7, 8])]]), { strict: false });
    assert.deepEqual(bias(other.build([3])), array([5, 6, 7, 8]));
  });

  it('are not, while another is trained', async () => {
    const { autoencoder, classifier } = models();
    autoencoder.build([3]);
    const fit = trainerOf(autoencoder).fit({ x, y: x }, { epochs: 100 });
    classifier.setWeights(given, { strict: false });
    classifier.build([3]);
    await fit;
    assert.notDeepEqual(bias(autoencoder), array([1, 2, 3, 4]));
    assert.deepEqual(bias(classifier), bias(autoencoder));
  });

  it('are those of its parts in a model around it', () => {
    const { encoder, classifier } = models();
    encoder.build([3]);
    classifier.setWeights(given, { strict: false });
    new Sequential({ classifier }).build([3]);
    assert.deepEqual(bias(classifier), array([1, 2, 3, 4]));
    assert.deepEqual(encoder.weights().get('0.bias'), array([1, 2, 3, 4]));
  });
});

describe('a layer that a model calls in two of its parts', () => {
  function parts(): { readonly body: Linear; readonly actor: Sequential; readonly critic: Sequential; readonly both: Layer } {
    const body = new Linear(4);
    const actor = new Sequential({ body, pi: new Linear(2) });
    const critic = new Sequential({ body, v: new Linear(2) });
    class Both extends Layer {
      forward(input: Tensor, scope: Scope): Tensor {
        return add(scope.call('actor', actor, input), scope.call('critic', critic, input));
      }
    }
    return { body, actor, critic, both: new Both() };
  }
  const y = array(new Philox(5).normal(20), [10, 2]);

  it('is of each of them', () =>
    inFolder(async (path) => {
      const { body, actor, critic, both } = parts();
      await trainerOf(both).fit({ x, y }, { epochs: 2 });
      assert.deepEqual([...both.weights().keys()], ['actor.body.weight', 'actor.body.bias', 'actor.pi.weight', 'actor.pi.bias', 'critic.v.weight', 'critic.v.bias']); // prettier-ignore
      for (const part of [critic, actor]) assert.deepEqual(below(part, 'body'), body.weights());
      assert.deepEqual(below(both, 'actor'), actor.weights());
      assert.equal(critic.summary().parameters, 16 + 10);
      const [whole, one, other] = await Promise.all([both, actor, critic].map((model) => model.predict(x)));
      whole!.data.forEach((value, i) => assert.ok(Math.abs(value - one!.data[i]! - other!.data[i]!) < 1e-6));
      await critic.save(path('critic'));
      const copy = await parts().critic.load(path('critic'));
      assert.deepEqual(copy.weights(), critic.weights());
      await trainerOf(critic).step({ x, y });
      assert.deepEqual(below(both, 'actor.body'), body.weights());
      assert.notDeepEqual(body.weights(), below(copy, 'body'));
    }));

  it('is set with each of them before they are built', () => {
    const { critic, both, body } = parts();
    const other = parts();
    other.both.build([3]);
    critic.setWeights(other.critic.weights());
    both.build([3]);
    assert.deepEqual(critic.weights(), other.critic.weights());
    assert.deepEqual(body.weights(), other.body.weights());
  });

  it('binds nothing when a part is only read', async () => {
    const { critic, both } = parts();
    const stop = new AbortController();
    const wide = array(new Float32Array(70), [10, 7]);
    const prediction = assert.rejects(both.predict(wide, { signal: stop.signal }), { name: 'AbortError' });
    assert.equal(critic.weights().get('body.weight')!.size, 28);
    stop.abort();
    await prediction;
    assert.equal(below(both.build([3]), 'actor').get('body.weight')!.size, 12);
  });

  it('has one layer under each name', () => {
    const [first, second] = [new Linear(3), new Linear(3)];
    class Twice extends Layer {
      forward(input: Tensor, scope: Scope): Tensor {
        const once = scope.call('first', first, input);
        return scope.call('again', second, scope.call('again', first, once));
      }
    }
    assert.throws(() => new Twice().build([3]), {
      name: StateError.name,
      message: /expected a name of its own for each layer, got "again" twice/,
    });
  });

  it('is frozen by paths through several of its callers', async () => {
    const inner = new Linear(3);
    const around = new Sequential({ inner });
    const [one, two] = [new Sequential({ around }), new Sequential({ around })];
    class Chain extends Layer {
      forward(input: Tensor, scope: Scope): Tensor {
        return scope.call('two', two, scope.call('one', one, scope.call('z', inner, input)));
      }
    }
    for (const frozen of ['one', 'two', 'two.around', 'two.around.inner', 'z']) {
      const model = new Sequential({ chain: new Chain(), head: new Linear(2) }).build([3]);
      const before = inner.weights();
      await trainerOf(model, { frozen: [`chain.${frozen}`] }).step({ x, y });
      assert.deepEqual(inner.weights(), before, frozen);
    }
    assert.deepEqual([...two.weights().keys()], ['around.inner.weight', 'around.inner.bias']);
  });

  it('is frozen, and has an optimizer of its own, by any of its paths', async () => {
    for (const frozen of ['critic', 'critic.body', 'critic.body.weight', 'actor.body']) {
      const { body, both } = parts();
      both.build([3]);
      const before = body.weights();
      await trainerOf(both, { frozen: [frozen] }).step({ x, y });
      assert.deepEqual(body.weights().get('weight'), before.get('weight'));
      assert.equal(before.get('bias')!.data[0] === body.weights().get('bias')!.data[0], frozen !== 'critic.body.weight');
    }
    const { body, both } = parts();
    both.build([3]);
    const before = body.weights();
    await trainerOf(both, { groups: [{ parameters: ['critic.body'], optimizer: new SGD({ lr: 0 }) }] }).step({ x, y });
    assert.deepEqual(body.weights(), before);
  });
});

describe('what a refused call leaves', () => {
  it('is what another call has built or loaded', () =>
    inFolder(async (path) => {
      const make = (): Sequential => new Sequential([new Linear(300_000)]);
      await make().build([3]).save(path('large'));
      const model = make();
      const load = model.load(path('large'));
      const refused = [7, 5].map((size) => assert.rejects(model.predict(array(new Float32Array(size), [1, size]), { batchSize: -1 })));
      const stop = new AbortController();
      const aborted = assert.rejects(model.predict(array(new Float32Array(3), [1, 3]), { signal: stop.signal }));
      stop.abort();
      await Promise.all([load, aborted, ...refused]);
      assert.deepEqual(model.weights(), make().build([3]).weights());
      await assert.rejects(model.predict(array(new Float32Array(7), [1, 7])), ShapeError);
    }));

  it('is a training that knows of the other: a model that is built by hand while its fit waits', async () => {
    const { autoencoder, classifier } = models();
    autoencoder.build([3]);
    let begin = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (begin = resolve));
    const fit = classifierTrainer(classifier).fit(async function* () {
      await waiting;
      yield { x, y: classes };
    });
    const refused = assert.rejects(fit, /^StateError: fit: expected a Sequential whose weights no other training changes/);
    class Meanwhile extends Callback {
      override async onStart(): Promise<void> {
        classifier.build([3]);
        await classifier.predict(x);
        begin();
        await refused;
      }
    }
    await trainerOf(autoencoder).fit({ x, y: x }, { callbacks: [new Meanwhile()] });
  });

  it('is a model whose weights a file had all, whatever was set before', () =>
    inFolder(async (path) => {
      const all = models();
      await models().classifier.build([3]).save(path('classifier'));
      all.encoder.build([3]);
      all.classifier.setWeights(new Map([['encoder.0.bias', array([1, 2, 3, 4])]]), { strict: false });
      const around = new Sequential({ encoder: all.encoder, head: new Linear(2) });
      await around.load(path('classifier'));
      isShared({ ...all, classifier: around, autoencoder: all.autoencoder.build([3]) });
    }));
});

describe('training of models that share a layer', () => {
  const refused = (path: string): { readonly name: string; readonly message: string } => ({
    name: StateError.name,
    message: `fit: expected a Sequential whose weights no other training changes, got one whose "${path}" is in the memory of a Sequential inside fit or step. Await that first: models that share layers are trained in turns. Those that are to share nothing need layers of their own, made in a function.`,
  });

  it('is of one at a time', async () => {
    const { autoencoder, classifier, encoder } = models();
    const other = classifierTrainer(classifier.build([3]));
    class Meanwhile extends Callback {
      override async onEpoch(): Promise<void> {
        await assert.rejects(other.fit({ x, y: classes }), refused('encoder.0.weight'));
        await assert.rejects(
          trainerOf(encoder).step({ x, y: x }),
          /^StateError: step: expected a Sequential whose weights no other training changes/,
        );
        assert.throws(() => classifier.setWeights(classifier.weights()), /setWeights: expected a model that is not training/);
      }
    }
    await trainerOf(autoencoder).fit({ x, y: x }, { epochs: 2, callbacks: [new Meanwhile()] });
    await other.fit({ x, y: classes });
  });

  it('is of one at a time, though the second was not built as its fit began', async () => {
    const { autoencoder, classifier } = models();
    autoencoder.build([3]);
    const fit = classifierTrainer(classifier).fit(async function* () {
      await trainerOf(autoencoder).fit(async function* () {
        yield { x, y: x };
        await new Promise((resolve) => setTimeout(resolve, 50));
        yield { x, y: x };
      });
      yield { x, y: classes };
    });
    await fit;
    const first = trainerOf(autoencoder).fit({ x, y: x }, { epochs: 2000 });
    const another = new Sequential({ encoder: autoencoder, head: new Linear(2) });
    await assert.rejects(classifierTrainer(another).fit({ x, y: classes }), refused('encoder.encoder.0.weight'));
    await first;
  });

  it('is of both where it is frozen', async () => {
    const { encoder, autoencoder, classifier } = models();
    encoder.build([3]);
    const trainers = [
      classifierTrainer(classifier.build([3]), { frozen: ['encoder'] }),
      trainerOf(autoencoder.build([3]), { frozen: ['encoder'] }),
    ] as const;
    const before = encoder.weights();
    await Promise.all([trainers[0].fit({ x, y: classes }, { epochs: 50 }), trainers[1].fit({ x, y: x }, { epochs: 50 })]);
    assert.deepEqual(encoder.weights(), before);
    // And beside one that trains it.
    await Promise.all([trainers[0].fit({ x, y: classes }, { epochs: 50 }), trainerOf(autoencoder).fit({ x, y: x }, { epochs: 50 })]);
    assert.notDeepEqual(encoder.weights(), before);
  });

  it('leaves all free when it ends, though a call that would have built the model was refused meanwhile', async () => {
    const { autoencoder, classifier } = models();
    autoencoder.build([3]);
    const nan = array(new Float32Array(30).fill(NaN), [10, 3]);
    const stop = new AbortController();
    const prediction = assert.rejects(classifier.predict(x, { signal: stop.signal }), { name: 'AbortError' });
    const fit = assert.rejects(classifierTrainer(classifier).fit({ x: nan, y: classes }, { checkFinite: true }), DataError);
    stop.abort();
    await Promise.all([prediction, fit]);
    autoencoder.setWeights(autoencoder.weights());
    await trainerOf(autoencoder).fit({ x, y: x });
  });

  it('leaves models that were not built free for other sizes, if it is refused of both', async () => {
    const { autoencoder, classifier } = models();
    const wide = array(new Float32Array(50).fill(NaN), [10, 5]);
    await Promise.all([
      assert.rejects(trainerOf(autoencoder).fit({ x: wide, y: x }, { checkFinite: true }), DataError),
      assert.rejects(classifierTrainer(classifier).fit({ x: wide, y: classes }, { checkFinite: true }), DataError),
    ]);
    assert.equal(below(autoencoder.build([3]), 'encoder').get('0.weight')!.size, 12);
  });

  it('clips by a norm that does not depend on where weights lie', async () => {
    const run = async (isApart: boolean): Promise<Map<string, NdArray>> => {
      const body = new Sequential([new Linear(64), new BatchNorm(), new Linear(33)]);
      const first = new Sequential({ body, head: new Linear(3) }).build([3]);
      const model = new Sequential({ inner: new Linear(3), body: isApart ? body : new Sequential([new Linear(64), new BatchNorm(), new Linear(33)]), head: new Linear(3) }, { seed: 3 }).build([3]); // prettier-ignore
      model.setWeights(new Map([...below(first, 'body')].map(([path, value]) => [`body.${path}`, value])), { strict: false });
      const trainer = trainerOf(model, { clipNorm: 0.01, optimizer: new Adam(), gradientNorm: true });
      for (let step = 0; step < 10; step++) await trainer.step({ x, y: x });
      return model.weights();
    };
    assert.deepEqual(await run(true), await run(false));
  });

  it('of two memories at once is seen at one step of it', async () => {
    class Vector extends Layer {
      readonly #size: number;
      constructor(size: number) {
        super();
        this.#size = size;
      }
      forward(_: Tensor, scope: Scope): Tensor {
        return scope.parameter('w', [this.#size], zeros());
      }
    }
    class Around extends Layer {
      constructor(readonly parts: readonly Vector[]) {
        super();
      }
      forward(input: Tensor, scope: Scope): Tensor {
        const vectors = this.parts.map((part, i) => scope.call(String(i), part, input));
        for (const vector of vectors) scope.addLoss(sum(vector));
        const [first, second = first] = vectors.map((vector) => slice(vector, [0], [1])) as [Tensor, Tensor?];
        return add(mul(input, 0), reshape(sub(first, second), [1, 1]));
      }
    }
    const parts = [new Vector(20_000), new Vector(3)];
    new Around([parts[0]!]).build([1]);
    const model = new Around(parts).build([1]);
    // Each step changes all weights by as much.
    const rows = array(new Float32Array(100_000), [100_000, 1]);
    const stop = new AbortController();
    const trainer = trainerOf(model);
    let isOver = false;
    const fit = trainer.fit({ x: rows, y: rows }, { epochs: 1e6, batchSize: 1, signal: stop.signal }).finally(() => (isOver = true));
    const aborted = assert.rejects(fit, { name: 'AbortError' });
    const isOfOne = (weights: ReadonlyMap<string, NdArray>): void => assert.equal(weights.get('0.w')!.data[0], weights.get('1.w')!.data[0]);
    const few = rows.rows(0, 3);
    try {
      while (!model.model.isChanging) await setImmediate();
      for (let i = 0; i < 60; i++) {
        isOfOne(model.weights());
        isOfOne(await model.model.snapshot());
        assert.ok((await model.predict(few, { batchSize: 1 })).data.every((value) => value === 0));
        assert.ok(model.predictSync(few, { batchSize: 1 }).data.every((value) => value === 0));
      }
      assert.equal(isOver, false);
    } finally {
      stop.abort();
      await aborted;
    }
  });

  it('of a part trains the whole', async () => {
    const { encoder, autoencoder } = models();
    autoencoder.build([3]);
    const decoder = below(autoencoder, 'decoder');
    const before = encoder.weights();
    const y = array(new Philox(4).normal(40), [10, 4]);
    await trainerOf(encoder, { optimizer: new Adam({ lr: 0.05 }) }).fit({ x, y }, { epochs: 3 });
    assert.notDeepEqual(encoder.weights(), before);
    assert.deepEqual(below(autoencoder, 'encoder'), encoder.weights());
    assert.deepEqual(below(autoencoder, 'decoder'), decoder);

    const alone = new Sequential([new Linear(4), new BatchNorm(), new ReLU()]).build([3]);
    alone.setWeights(before);
    await trainerOf(alone, { optimizer: new Adam({ lr: 0.05 }) }).fit({ x, y }, { epochs: 3 });
    assert.deepEqual(encoder.weights(), alone.weights());
  });

  it('brings back with a snapshot what the fit trains, and nothing else', async () => {
    const { encoder, autoencoder, classifier } = models();
    encoder.build([3]);
    const free = classifierTrainer(classifier.build([3]));
    const trained = trainerOf(autoencoder.build([3]));
    class Restore extends Callback {
      override async onEpoch(_: unknown, context: FitContext): Promise<void> {
        const snapshot = context.snapshot();
        const head = below(classifier, 'head');
        await trained.step({ x, y: x });
        const now = encoder.weights();
        context.restore(snapshot);
        assert.deepEqual(encoder.weights(), now);
        assert.deepEqual(below(classifier, 'head'), head);
      }
    }
    await classifierTrainer(classifier, { frozen: ['encoder'] }).fit({ x, y: classes }, { callbacks: [new Restore()] });
    await free.step({ x, y: classes });
  });

  it('brings back a snapshot before the first step of a model that its fit builds', async () => {
    const { classifier } = models();
    const snapshot = { weights: zerosOf(models().classifier.build([3])) as Map<string, NdArray<Float32Array>> };
    class Begin extends Callback {
      override onStart(context: FitContext): void {
        context.restore(snapshot);
      }
    }
    await classifierTrainer(classifier, { optimizer: new SGD({ lr: 0 }) }).fit({ x, y: classes }, { callbacks: [new Begin()] });
    assert.ok(
      below(classifier, 'head')
        .get('weight')!
        .data.every((value) => value === 0),
    );
  });

  it('of a layer that was entered goes on with its optimizer from a checkpoint', () =>
    inFolder(async (path) => {
      const entered = (): Linear => {
        const inner = new Linear(2);
        class Around extends Layer {
          forward(input: Tensor, scope: Scope): Tensor {
            return scope.enter('inner', inner, (own) => ({ y: inner.forward(input, own) })).y;
          }
        }
        new Around().build([3]);
        return inner;
      };
      const y = array(new Philox(6).normal(20), [10, 2]);
      const trainer = (model: Layer): Trainer => trainerOf(model, { optimizer: new SGD({ lr: 0.01, momentum: 0.9 }) });
      const one = entered();
      const first = trainer(one);
      await first.step({ x, y });
      await first.save(path('run'));
      await first.step({ x, y });
      const other = entered();
      const second = trainer(other);
      await second.load(path('run'));
      await second.step({ x, y });
      assert.deepEqual(other.weights(), one.weights());
    }));

  it('of adversaries goes by what each has become: one model of both, with the critic frozen', async () => {
    const parts = (): readonly [Sequential, Sequential] => [
      new Sequential([new Linear(8), new ReLU(), new Linear(3)], { seed: 1 }),
      new Sequential([new Linear(4), new Tanh(), new Linear(1)], { seed: 2 }),
    ];
    const setup = { loss: new BCEWithLogitsLoss(), optimizer: new SGD({ lr: 0.1 }) };
    const [generator, discriminator] = parts();
    const both = new Sequential({ generator, discriminator });
    const real = trainerOf(discriminator, setup);
    const fool = trainerOf(both, { ...setup, frozen: ['discriminator'] });

    // The same with a critic that is copied before each step.
    const [otherGenerator, otherDiscriminator] = parts();
    const otherReal = trainerOf(otherDiscriminator, setup);
    const copied = new Sequential({ generator: otherGenerator, discriminator: parts()[1] });
    const otherFool = trainerOf(copied, { ...setup, frozen: ['discriminator'] });
    for (let step = 0; step < 4; step++) {
      await real.step({ x, y: wanted });
      await otherReal.step({ x, y: wanted });
      if (step === 0) {
        both.build([3]);
        copied.build([3]);
      }
      copied.setWeights(new Map([...otherDiscriminator.weights()].map(([path, value]) => [`discriminator.${path}`, value])), {
        strict: false,
      });
      await fool.step({ x, y: wanted });
      await otherFool.step({ x, y: wanted });
      assert.deepEqual(below(both, 'discriminator'), discriminator.weights());
    }
    assert.deepEqual(generator.weights(), otherGenerator.weights());
    assert.deepEqual(discriminator.weights(), otherDiscriminator.weights());
  });
});
