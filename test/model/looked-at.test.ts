import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Adam,
  BCEWithLogitsLoss,
  BatchNorm,
  Callback,
  CrossEntropyLoss,
  DataError,
  type FitContext,
  GRU,
  Linear,
  MSELoss,
  type NdArray,
  Philox,
  ReLU,
  SGD,
  Sequential,
  ShapeError,
  StateError,
  Trainer,
  array,
  compile,
  type Tensor,
} from '../../lib/index.js';

const x = array(new Philox(9).normal(30), [10, 3]);
const classes = array(Int32Array.from({ length: 10 }, (_, i) => i % 2));
const wanted = array(new Float32Array(10).fill(1), [10, 1]);

interface Shared {
  readonly encoder: Sequential;
  readonly autoencoder: Sequential;
  /** Has the encoder, too. */
  readonly classifier: Sequential;
}

function shared(): Shared {
  const encoder = new Sequential([new Linear(4), new BatchNorm(), new ReLU()]);
  return {
    encoder,
    autoencoder: new Sequential({ encoder, decoder: new Linear(3) }, { seed: 1 }),
    classifier: new Sequential({ encoder, head: new Linear(2) }, { seed: 2 }),
  };
}

async function train(autoencoder: Sequential): Promise<void> {
  await new Trainer(autoencoder, { loss: new MSELoss(), optimizer: new Adam({ lr: 0.05 }) }).fit({ x, y: x }, { epochs: 3 });
}

function classifierTrainer(model: Sequential, frozen = ['encoder'], lr = 0.1): Trainer {
  return new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr }), frozen });
}

/** Below a path. */
function below(model: Sequential, path: string): Record<string, readonly number[]> {
  return Object.fromEntries([...model.weights()].flatMap(([name, { data }]) => (name.startsWith(`${path}.`) ? [[name, [...data]]] : [])));
}

function zerosOf(model: Sequential): Map<string, NdArray> {
  return new Map([...model.weights()].map(([path, { shape, size }]) => [path, array(new Float32Array(size), shape)]));
}

const looks: Readonly<Record<string, (models: Shared) => unknown>> = {
  'build and summary': ({ classifier }) => classifier.build([3]).summary(),
  predict: ({ classifier }) => classifier.predict(x),
  predictSync: ({ classifier }) => classifier.predictSync(x),
  weights: ({ classifier }) => classifier.build([3]).weights(),
  evaluate: ({ classifier }) => classifierTrainer(classifier).evaluate({ x, y: classes }),
  save: async ({ classifier }) => {
    const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
    await classifier.build([3]).save(join(folder, 'model'));
    rmSync(folder, { recursive: true });
  },
  'build of both': ({ autoencoder, classifier }) => {
    autoencoder.build([3]);
    classifier.build([3]);
  },
};

describe('a model that was only looked at', () => {
  for (const [name, look] of Object.entries(looks)) {
    it(`has what its layers have where they were trained since: after ${name}`, async () => {
      const models = shared();
      await look(models);
      await train(models.autoencoder);
      const fresh = shared();
      await train(fresh.autoencoder);
      assert.deepEqual(models.autoencoder.weights(), fresh.autoencoder.weights());
      assert.deepEqual(below(models.classifier.build([3]), 'encoder'), below(models.autoencoder, 'encoder'));
      for (const { classifier } of [models, fresh]) await classifierTrainer(classifier).fit({ x, y: classes }, { epochs: 2 });
      assert.deepEqual(models.classifier.weights(), fresh.classifier.weights());
      assert.deepEqual(below(models.classifier, 'encoder'), below(models.autoencoder, 'encoder'));
    });
  }

  it('has it as a part, too', async () => {
    const { autoencoder, classifier } = shared();
    new Sequential({ classifier }).build([3]);
    await train(autoencoder);
    assert.deepEqual(below(classifier, 'encoder'), below(autoencoder, 'encoder'));
  });

  it('is evaluated on a stream of batches after a fit that was refused', async () => {
    const { autoencoder, classifier } = shared();
    await train(autoencoder);
    const trainer = classifierTrainer(classifier, []);
    await assert.rejects(trainer.fit({ x, y: array(new Int32Array(10).fill(9)) }), DataError);
    const { loss } = await trainer.evaluate([{ x, y: classes }]);
    assert.equal(loss, (await trainer.evaluate({ x, y: classes })).loss);
  });

  it('keeps its parts once it is trained, from a fit of a part that is about to begin, too', async () => {
    const discriminator = new Linear(1);
    const both = new Sequential({ generator: new Linear(3), discriminator });
    const options = () => ({ loss: new BCEWithLogitsLoss(), optimizer: new SGD({ lr: 0.1 }) });
    const fit = new Trainer(discriminator, options()).fit(async function* () {
      await new Trainer(both, options()).step({ x, y: wanted });
      yield { x, y: wanted };
    });
    await assert.rejects(fit, {
      name: StateError.name,
      message: /^fit: expected a model with weights of its own, got a Linear that is "discriminator" of a built Sequential/,
    });
    assert.deepEqual([...discriminator.weights().get('weight')!.data], below(both, 'discriminator')['discriminator.weight']);
  });

  it('follows them in each call, within a fit too, until it is trained itself', async () => {
    const { encoder, autoencoder } = shared();
    const features = new Sequential({ encoder }).build([3]);
    for (let round = 0; round < 2; round++) {
      await train(autoencoder);
      const expected = (await encoder.predict(x)).data;
      assert.deepEqual((await features.predict(x)).data, expected);
      assert.deepEqual(features.predictSync(x).data, expected);
    }
    const before = features.weights();
    const fit = train(autoencoder);
    await features.predict(x);
    await fit;
    assert.notDeepEqual(features.weights(), before);
    await new Trainer(features, { loss: new MSELoss(), optimizer: new SGD({ lr: 0 }) }).step({
      x,
      y: array(new Float32Array(40), [10, 4]),
    });
    const own = below(features, 'encoder.0');
    await train(autoencoder);
    assert.deepEqual(below(features, 'encoder.0'), own);
  });

  it('has in each call what they are as it is called, whatever changes them meanwhile', async () => {
    const { encoder, autoencoder } = shared();
    const features = new Sequential({ encoder }).build([3]);
    const trainer = new Trainer(features, { loss: new MSELoss(), optimizer: new SGD() });
    const y = array(new Float32Array(40), [10, 4]);
    for (let round = 0; round < 2; round++) {
      await train(autoencoder);
      const expected = await encoder.predict(x);
      const calls = [features.predict(x), features.predict(x)];
      const evaluation = trainer.evaluate({ x, y });
      autoencoder.setWeights(zerosOf(autoencoder));
      const { data } = await features.predict(x);
      assert.ok(data.every((value) => value === 0));
      assert.deepEqual(await Promise.all(calls), [expected, expected]);
      const loss = expected.data.reduce((total, value) => total + value ** 2, 0) / 40;
      assert.ok(Math.abs((await evaluation).loss - loss) < 1e-6);
    }
  });

  it('copies at once what a call on this thread asks for while another copies', async () => {
    const { encoder, autoencoder } = shared();
    const features = new Sequential({ encoder });
    await train(autoencoder);
    const expected = await encoder.predict(x);
    const first = features.predict(x);
    autoencoder.setWeights(zerosOf(autoencoder));
    const zeros = await encoder.predict(x);
    assert.deepEqual(features.predictSync(x), zeros);
    assert.deepEqual(await first, expected);
    assert.deepEqual(features.predictSync(x), zeros);
    assert.deepEqual(await features.predict(x), zeros);
  });

  it('is followed no more once other programs read it', async () => {
    const { encoder, autoencoder } = shared();
    const features = new Sequential({ encoder }).build([3]);
    await train(autoencoder);
    const f = compile((input: Tensor) => features.outputOf(input));
    const expected = (await encoder.predict(x)).data;
    assert.deepEqual((await f(x)).data, expected);
    await train(autoencoder);
    assert.deepEqual((await f(x)).data, expected);
  });

  it('streams with them', async () => {
    const gru = new GRU(4);
    const whole = new Sequential({ gru, head: new Linear(2) }, { seed: 1 });
    const other = new Sequential({ gru }, { seed: 2 }).build([5, 3]);
    const sequence = array(new Philox(3).normal(15), [1, 5, 3]);
    await new Trainer(whole, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) }).step({ x: sequence, y: array(new Float32Array(10), [1, 5, 2]) }); // prettier-ignore
    const first = (stream: ReturnType<GRU['stream']>): NdArray => stream.step(array(sequence.data.slice(0, 3), [1, 3]));
    assert.deepEqual(first(other.stream()), first(gru.stream()));
  });

  it('has what was set or loaded there', async () => {
    const body = new Sequential([new Linear(4), new ReLU()]);
    const whole = new Sequential({ body, tail: new Linear(3) });
    const other = new Sequential({ body, head: new Linear(2) }).build([3]);
    whole.build([3]);
    whole.setWeights(new Map([['body.0.bias', array([7, 7, 7, 7])]]), { strict: false });
    assert.deepEqual([...other.weights().get('body.0.bias')!.data], [7, 7, 7, 7]);
  });

  it('is refused where its sizes are others than those they were trained with', async () => {
    const { autoencoder, classifier } = shared();
    classifier.build([5]);
    await train(autoencoder);
    const message =
      'Linear "encoder.0": expected the sizes it has in a Sequential, whose weights it brings along, got others. Use a new Linear, or give input of the size it was built with.';
    for (let i = 0; i < 2; i++) assert.throws(() => classifier.weights(), { name: ShapeError.name, message });
  });
});

describe('a frozen copy', () => {
  interface Adversaries {
    readonly generator: Sequential;
    readonly discriminator: Sequential;
    readonly both: Sequential;
    readonly real: () => Promise<unknown>;
    readonly fool: () => Promise<unknown>;
  }

  function adversaries(): Adversaries {
    const generator = new Sequential([new Linear(8), new ReLU(), new Linear(3)], { seed: 1 });
    const discriminator = new Sequential([new Linear(4), new BatchNorm(), new Linear(1)], { seed: 2 });
    const both = new Sequential({ generator, discriminator });
    const setup = { loss: new BCEWithLogitsLoss(), optimizer: new SGD({ lr: 0.1 }) };
    const one = new Trainer(discriminator, setup);
    const other = new Trainer(both, { ...setup, frozen: ['discriminator'] });
    return {
      generator,
      discriminator,
      both,
      real: () => one.step({ x, y: wanted }),
      fool: () => other.step({ x, y: wanted }),
    };
  }

  it('is refused in training once the original was trained since', async () => {
    const { real, fool, both } = adversaries();
    await real();
    await fool();
    await fool();
    await real();
    const before = both.weights();
    await assert.rejects(fool(), {
      name: StateError.name,
      message:
        'step: expected frozen "discriminator.0" of a Sequential to be as it was copied, got one that was trained or set since in another Sequential. Call it by outputOf() in the loss, or train both in one model. A new model of these layers takes the trained ones along; setWeights(weights()) keeps the copy as it is.',
    });
    assert.deepEqual(both.weights(), before);
    both.setWeights(both.weights());
    await fool();
    await real();
    await fool();
  });

  it('is not refused if the original is as it was, or the copy was trained, too', async () => {
    const { autoencoder, classifier } = shared();
    await train(autoencoder);
    const trainer = classifierTrainer(classifier);
    await trainer.step({ x, y: classes });
    await new Trainer(autoencoder, { loss: new MSELoss(), optimizer: new SGD(), frozen: ['encoder'] }).fit({ x, y: x });
    await trainer.step({ x, y: classes });
    await classifierTrainer(classifier, []).step({ x, y: classes });
    await train(autoencoder);
    await trainer.step({ x, y: classes });
  });

  it('is not refused if it was trained in the first fit of all', async () => {
    const { autoencoder, classifier } = shared();
    await train(autoencoder);
    await classifierTrainer(classifier, []).fit({ x, y: classes });
    await train(autoencoder);
    await classifierTrainer(classifier).fit({ x, y: classes });
  });

  it('is refused all the same after a snapshot with it was restored', async () => {
    const { autoencoder, classifier } = shared();
    await train(autoencoder);
    class Restore extends Callback {
      override onEpoch(_: unknown, context: FitContext): void {
        context.restore(context.snapshot());
      }
    }
    await classifierTrainer(classifier).fit({ x, y: classes }, { callbacks: [new Restore()] });
    await train(autoencoder);
    await assert.rejects(classifierTrainer(classifier).fit({ x, y: classes }), /expected frozen "encoder.0" of a Sequential/);
  });

  it('is refused all the same after a call that would have trained it and was refused', async () => {
    const { autoencoder, classifier } = shared();
    await train(autoencoder);
    const trainer = classifierTrainer(classifier);
    await trainer.step({ x, y: classes });
    await assert.rejects(classifierTrainer(classifier, []).step({ x, y: array(new Int32Array(10).fill(9)) }), DataError);
    await train(autoencoder);
    await assert.rejects(trainer.step({ x, y: classes }), StateError);
  });

  it('is not refused if all of its weights were set', async () => {
    const { encoder, autoencoder, classifier } = shared();
    await train(autoencoder);
    classifier.build([3]);
    const given = new Map([...encoder.weights()].map(([path, values]) => [`encoder.${path}`, values]));
    classifier.setWeights(given, { strict: false });
    await classifierTrainer(classifier).step({ x, y: classes });
    await train(autoencoder);
    await classifierTrainer(classifier).step({ x, y: classes });
  });

  it('is not refused if the only call before was refused', async () => {
    const { autoencoder, classifier } = shared();
    await train(autoencoder);
    const trainer = classifierTrainer(classifier);
    await assert.rejects(trainer.step({ x, y: array(new Int32Array(10).fill(9)) }), DataError);
    await train(autoencoder);
    await trainer.step({ x, y: classes });
  });
});
