import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchNorm,
  Embedding,
  GRU,
  Layer,
  Linear,
  MSELoss,
  type NdArray,
  Philox,
  SGD,
  type Scope,
  Sequential,
  ShapeError,
  Sigmoid,
  StateError,
  Tanh,
  type Tensor,
  Trainer,
  array,
  matmul,
} from '../../lib/index.js';
import { allNear } from '../support/near.js';

const x = array(new Philox(1).normal(24), [8, 3]);
const y = array(new Philox(2).normal(24), [8, 3]);

function trainerOf(model: Layer): Trainer {
  return new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) });
}

interface Autoencoder {
  readonly encoder: Sequential;
  readonly decoder: Sequential;
  readonly whole: Sequential;
}

function autoencoder(): Autoencoder {
  const encoder = new Sequential([new Linear(4), new BatchNorm(), new Tanh()]);
  const decoder = new Sequential([new Linear(3)]);
  return { encoder, decoder, whole: new Sequential([encoder, decoder], { seed: 5 }) };
}

async function trained(): Promise<Autoencoder & { readonly trainer: Trainer }> {
  const parts = autoencoder();
  const trainer = trainerOf(parts.whole);
  await trainer.fit({ x, y }, { epochs: 3 });
  return { ...parts, trainer };
}

const data = ({ data: values }: NdArray): readonly number[] => [...values];
const logistic = (z: number): number => 1 / (1 + Math.exp(-z));

const close = (actual: readonly number[], expected: readonly number[]): void => allNear(actual, expected, 1e-5);

/** The code of a sequence, and its outputs on the way. */
class Encoder extends Layer<[Tensor], { readonly code: Tensor; readonly outputs: Tensor }> {
  readonly gru = new GRU(4);

  forward(source: Tensor, scope: Scope): { readonly code: Tensor; readonly outputs: Tensor } {
    const { y, h } = scope.enter('gru', this.gru, (inner) => this.gru.apply(source, {}, inner));
    return { code: h, outputs: y };
  }
}

class Translator extends Layer {
  readonly encoder = new Encoder();
  readonly decoder = new GRU(4);

  forward(source: Tensor, scope: Scope): Tensor {
    const { code } = scope.enter('encoder', this.encoder, (inner) => this.encoder.forward(source, inner));
    return scope.enter('decoder', this.decoder, (inner) => this.decoder.apply(source, { h: code }, inner)).y;
  }
}

describe('a part of a built model, used by itself', () => {
  it('has the weights it has there, and follows them', async () => {
    const { encoder, decoder, whole, trainer } = await trained();
    for (let round = 0; round < 2; round++) {
      close(data(await decoder.predict(await encoder.predict(x))), data(await whole.predict(x)));
      await trainer.fit({ x, y });
    }
    assert.deepEqual([...encoder.weights().keys()], ['0.weight', '0.bias', '1.weight', '1.bias', '1.runningMean', '1.runningVar']);
    for (const [path, value] of encoder.weights()) assert.deepEqual(value, whole.weights().get(`0.${path}`));
    assert.equal(encoder.summary().parameters, 24);
  });

  it('is set, saved and loaded by itself', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
    try {
      const { encoder, decoder, whole } = await trained();
      await encoder.save(join(folder, 'encoder'));
      const copy = await new Sequential([new Linear(4), new BatchNorm(), new Tanh()]).load(join(folder, 'encoder'));
      assert.deepEqual(await copy.predict(x), await encoder.predict(x));
      const before = whole.weights();
      decoder.setWeights(
        new Map([...decoder.weights()].map(([path, { shape }]) => [path, array(new Float32Array(shape[0]! * (shape[1] ?? 1)), shape)])),
      );
      assert.ok((await whole.predict(x)).data.every((value) => value === 0));
      assert.deepEqual(whole.weights().get('0.0.weight'), before.get('0.0.weight'));
      const other = autoencoder();
      other.whole.build([3]);
      await other.encoder.load(join(folder, 'encoder'));
      assert.deepEqual(await other.encoder.predict(x), await encoder.predict(x));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is set before anything else is asked of it', () => {
    const head = new Linear(1);
    const whole = new Sequential({ body: new Linear(2), head }).build([3]);
    head.setWeights(new Map([['bias', array([7])]]), { strict: false });
    assert.deepEqual(whole.weights().get('head.bias'), array([7]));
  });

  it('streams', async () => {
    const gru = new GRU(4);
    const whole = new Sequential([gru, new Linear(2)]).build([5, 3]);
    const sequence = array(new Philox(3).normal(15), [1, 5, 3]);
    const expected = await gru.predict(sequence);
    const stream = gru.stream();
    for (let t = 0; t < 5; t++)
      assert.deepEqual(data(stream.step(array(sequence.data.slice(3 * t, 3 * t + 3), [1, 3]))), [...expected.data.slice(4 * t, 4 * t + 4)]);
    assert.deepEqual(data(gru.weights().get('weight0')!), data(whole.weights().get('0.weight0')!));
  });

  it('is neither trained nor set while the whole is in fit', async () => {
    const { encoder, trainer } = await trained();
    const weights = encoder.weights();
    const fit = trainer.fit({ x, y });
    assert.throws(() => encoder.setWeights(weights), { name: StateError.name, message: /not training/ });
    const message =
      /^step: expected a Sequential whose weights no other training changes, got one whose "0.weight" is in the memory of a Sequential inside fit or step/;
    await assert.rejects(trainerOf(encoder).step({ x, y: array(new Float32Array(32), [8, 4]) }), { name: StateError.name, message });
    await fit;
    encoder.setWeights(weights);
  });

  it('is no part of a model that a refused call would have built', async () => {
    const { encoder, whole } = autoencoder();
    await assert.rejects(trainerOf(whole).fit({ x, y: array(new Float32Array(16), [8, 2]) }), ShapeError);
    assert.throws(() => encoder.weights(), { name: StateError.name, message: /was never built/ });
    encoder.build([7]);
    assert.equal(encoder.weights().get('0.weight')!.shape[0], 7);
  });

  it('is one that was entered: it has its weights at once, and its sizes by the first input', async () => {
    const lines = array(new Philox(3).normal(48), [8, 2, 3]);
    const model = new Translator();
    await trainerOf(model).fit({ x: lines, y: array(new Philox(4).normal(64), [8, 2, 4]) }, { epochs: 2 });
    const { encoder, decoder } = model;
    assert.deepEqual(data(encoder.weights().get('gru.weight0')!), data(model.weights().get('encoder.gru.weight0')!));
    assert.throws(() => encoder.summary(), {
      name: StateError.name,
      message:
        'Encoder: expected a layer whose input size is known, got one that a Translator has by scope.enter() as "encoder", which does not tell it. Call predict or build([...sizes]) first.',
    });
    await assert.rejects(encoder.predict(array([[[1, 2]]])), {
      name: ShapeError.name,
      message: /^Encoder: expected input for the weights it has as "encoder" of a Translator, got \[N, 1, 2\]\. \(GRU "gru": parameter/,
    });
    const { code, outputs } = await encoder.predict(lines);
    assert.deepEqual(code.shape, [8, 1, 4]);
    assert.match(encoder.summary().toString(), /gru/);

    const stream = decoder.build([2, 3]).stream();
    stream.setState(new Map([['h0', array(code.data.slice(0, 4), [1, 4])]]));
    const first = stream.step(array(lines.data.slice(0, 3), [1, 3]));
    close(data(first), data(await model.predict(lines.rows(0, 1))).slice(0, 4));

    encoder.setWeights(new Map([...encoder.weights()].map(([path, { shape, size }]) => [path, array(new Float32Array(size), shape)])));
    assert.ok(data(model.weights().get('encoder.gru.weight0')!).every((value) => value === 0));
    assert.ok(data(outputs).some((value) => value !== 0));
    assert.ok(data((await encoder.predict(lines))['outputs']).every((value) => value === 0));
  });

  it('has the sizes of its call though it was entered before', async () => {
    const inner = new Linear(3);
    class Tied extends Layer {
      forward(t: Tensor, scope: Scope): Tensor {
        const { weight } = scope.enter('inner', inner, (own) => ({ weight: own.parameter('weight', [3, 3], () => new Float32Array(9)) }));
        return matmul(scope.call('inner', inner, t), weight);
      }
    }
    new Tied().build([3]);
    assert.deepEqual((await inner.predict(x)).shape, [8, 3]);
    assert.match(inner.summary().toString(), /Linear/);
  });

  it('is refused as input of other sizes is', async () => {
    const { encoder } = await trained();
    await assert.rejects(encoder.predict(array([[1, 2]])), {
      name: ShapeError.name,
      message: /^Sequential: expected input of shape \[N, 3\] as the model was built, got \[N, 2\]/,
    });
  });
});

describe('a layer that was built before, taken into another model', () => {
  it('has its weights there: a head on a trained model', async () => {
    const { whole } = await trained();
    const probabilities = await new Sequential([whole, new Sigmoid()]).predict(x);
    close(data(probabilities), data(await whole.predict(x)).map(logistic));
  });

  it('has what was set before it was built', async () => {
    const table = array(new Philox(4).normal(8), [4, 2]);
    const embedding = new Embedding(4, 2);
    embedding.setWeights(new Map([['weight', table]]));
    const model = new Sequential([embedding, new Linear(1)], { seed: 2 }).build([3], { dtypes: ['int32'] });
    assert.deepEqual(model.weights().get('0.weight')!.data, table.data);
    assert.deepEqual((await embedding.predict(array(Int32Array.of(2)))).data, table.data.slice(4, 6));
    const body = new Sequential([new Linear(2), new Tanh()]);
    body.setWeights(new Map([['0.bias', array([5, 6])]]), { strict: false });
    assert.deepEqual([...new Sequential({ body, head: new Linear(1) }).build([3]).weights().get('body.0.bias')!.data], [5, 6]);
    const wrong = new Linear(2);
    wrong.setWeights(new Map([['weight', array([[1, 2]])]]), { strict: false });
    assert.throws(() => new Sequential([wrong]).build([3]), {
      name: 'ShapeError',
      message: /^Linear.setWeights: expected "weight" of shape \[3, 2\], got \[1, 2\]/,
    });
  });

  it('is refused where its sizes are others', async () => {
    const { encoder } = await trained();
    assert.throws(() => new Sequential([encoder, new Linear(1)]).build([5]), {
      name: 'ShapeError',
      message:
        'Linear "0.0": expected the [3, 4] "weight" that it has in a Sequential, with which it shares its weights, got [5, 4]. Give input of the size it was built with, or a new Linear: layers of models that are to share nothing are made in a function.',
    });
  });

  it('serves inputs of another rank where its parameters do', async () => {
    const head = new Linear(2);
    const model = new Sequential([new GRU(3), head]).build([5, 3]);
    const rows = array(new Philox(3).normal(6), [2, 3]);
    const steps = await head.predict(array(rows.data, [1, 2, 3]));
    assert.deepEqual((await head.predict(rows)).data, steps.data);
    assert.equal(model.weights().get('1.weight')!.size, 6);
  });

  it('is set there, too', async () => {
    const { whole } = await trained();
    const wrapped = new Sequential([whole]);
    const zeros = new Map(
      [...whole.weights()].map(([path, { data: values, shape }]) => [
        `0.${path}`,
        array(
          values.map(() => 0),
          shape,
        ),
      ]),
    );
    wrapped.setWeights(zeros);
    assert.ok((await wrapped.predict(x)).data.every((value) => value === 0));
    assert.ok((await whole.predict(x)).data.every((value) => value === 0));
  });
});
