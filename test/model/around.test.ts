/** What a loss cannot hold, in layers: parameters in one around the model, numbers that change with the steps in buffers. */
import assert from 'node:assert/strict';
import {
  Adam,
  CrossEntropyLoss,
  Layer,
  Linear,
  Loss,
  MSELoss,
  type Scope,
  SGD,
  type Tensor,
  Trainer,
  add,
  array,
  constant,
  div,
  exp,
  filled,
  full,
  matmul,
  mean,
  minimum,
  mul,
  split,
  square,
  sub,
  transpose,
  zeros,
} from '../../lib/index.js';
import { sample } from '../support/check-op.js';

const [x, y] = [sample([24, 5], 1), sample([24, 3], 2)];

/** Scores of all pairs of images and texts, by a temperature that is learnt. */
class Pairs extends Layer<[Tensor, Tensor]> {
  constructor(
    readonly images: Layer,
    readonly texts: Layer,
  ) {
    super();
  }
  forward(x: Tensor, y: Tensor, scope: Scope): Tensor {
    const scale = exp(scope.parameter('logScale', [], filled(1)));
    return mul(matmul(scope.call('images', this.images, x), transpose(scope.call('texts', this.texts, y))), scale);
  }
}

/** Each row belongs to the column of its number, and the other way round. */
class Contrastive extends Loss {
  readonly each: Loss = new CrossEntropyLoss();
  forward(scores: Tensor): Tensor {
    const own = constant(Int32Array.from({ length: scores.shape[0]! }, (_, i) => i));
    return add(this.each.forward(scores, own), this.each.forward(transpose(scores), own));
  }
}

describe('a layer around a model, with the parameters of its loss', () => {
  it('is trained, and the model has its weights', async () => {
    const [images, texts] = [new Linear(4), new Linear(4)];
    const model = new Pairs(images, texts);
    const trainer = new Trainer(model, { loss: new Contrastive(), optimizer: new Adam({ lr: 0.05 }) });
    const data = { x: [x, x], y: {} };
    const { epochs } = await trainer.fit(data, { epochs: 20, batchSize: 8, shuffle: false });
    assert.ok(epochs.at(-1)!.loss < 0.5 * epochs[0]!.loss);
    const trained = model.weights();
    assert.notEqual(trained.get('logScale')!.data[0], 1);
    assert.deepEqual([...images.weights().values()], [trained.get('images.weight'), trained.get('images.bias')]);
    const [a, b] = [await images.predict(x), await texts.predict(x)];
    const scores = await model.predict([x, x]);
    const scale = Math.exp(trained.get('logScale')!.data[0]!);
    const first = scale * a.data.subarray(0, 4).reduce((total, value, i) => total + value * b.data[i]!, 0);
    assert.ok(Math.abs(first - scores.data[0]!) < 1e-4 * Math.abs(first));
  });

  type Both = { readonly a: Tensor; readonly b: Tensor };
  class Two extends Layer<[Tensor], Both> {
    readonly a: Linear = new Linear(1);
    readonly b: Linear = new Linear(1);
    forward(x: Tensor, scope: Scope): Both {
      return { a: scope.call('a', this.a, x), b: scope.call('b', this.b, x) };
    }
  }
  type Weighed = Both & { readonly logVariance: Tensor };
  class Balanced extends Layer<[Tensor], Weighed> {
    readonly body: Two = new Two();
    forward(x: Tensor, scope: Scope): Weighed {
      const outputs = scope.call('body', this.body, x);
      return { ...outputs, logVariance: scope.parameter('logVariance', [2], zeros()) };
    }
  }
  class Uncertain extends Loss<Weighed, Both> {
    forward({ a, b, logVariance }: Weighed, y: Both): Tensor {
      const [one, other] = split(logVariance, [1, 1]) as [Tensor, Tensor];
      const part = (p: Tensor, t: Tensor, s: Tensor): Tensor => add(mul(mean(square(sub(p, t))), exp(sub(0, s))), s);
      return mean(add(part(a, y.a, one), part(b, y.b, other)));
    }
  }

  it('may have several outputs, and says at predict where parameters belong', async () => {
    const model = new Balanced();
    const trainer = new Trainer(model, { loss: new Uncertain(), optimizer: new Adam({ lr: 0.05 }) });
    const [a, b] = [0, 1].map((j) =>
      array(
        Float32Array.from({ length: 24 }, (_, i) => y.data[3 * i + j]!),
        [24, 1],
      ),
    ) as [typeof x, typeof x];
    await trainer.fit({ x, y: { a, b } }, { epochs: 3 });
    assert.ok(
      model
        .weights()
        .get('body.a.weight')!
        .data.every((value, i) => value === model.body.weights().get('a.weight')!.data[i]),
    );
    assert.deepEqual((await model.body.predict(x)).a.shape, [24, 1]);
    await assert.rejects(model.predict(x), {
      name: 'ShapeError',
      message:
        /^Balanced: expected output "logVariance" with one row for each of the 24 input rows, got \[2\]\..* Leave a parameter of the loss to a layer around this one: train that, and predict by this one\.$/,
    });
  });
});

/** An autoencoder whose divergence from the prior counts more and more, all of it from the fifth step on. */
class Vae extends Layer {
  override readonly seed: number = 1;
  readonly encoder: Linear = new Linear(4);
  readonly decoder: Linear = new Linear(5);
  forward(x: Tensor, scope: Scope): Tensor {
    const step = scope.buffer('step', [], zeros());
    scope.assign(step, add(step, 1));
    const [center, logVariance] = split(scope.call('encoder', this.encoder, x), [2, 2], 1) as [Tensor, Tensor];
    const divergence = mul(mean(sub(add(exp(logVariance), square(center)), add(logVariance, 1))), 0.5);
    scope.addLoss(mul(divergence, minimum(div(step, 4), 1)));
    const code = scope.training ? add(center, mul(exp(mul(logVariance, 0.5)), scope.normal(center.shape))) : center;
    return scope.call('decoder', this.decoder, code);
  }
}

describe('a buffer that counts steps', () => {
  it('weighs a term of the loss by them, in training and evaluation', async () => {
    const model = new Vae();
    class Nothing extends Loss {
      forward(prediction: Tensor): Tensor {
        return mul(mean(prediction), 0);
      }
    }
    const trainer = new Trainer(model, { loss: new Nothing(), optimizer: new SGD({ lr: 0 }) });
    const losses: number[] = [];
    for (let i = 0; i < 3; i++) losses.push((await trainer.step({ x, y: {} })).loss, (await trainer.evaluate({ x, y: {} })).loss);
    const { epochs } = await trainer.fit({ x, y: {} }, { batchSize: 24, epochs: 3 });
    losses.push(...epochs.map(({ loss }) => loss));
    const whole = losses.at(-1)!;
    assert.ok(whole > 0);
    losses.forEach((loss, i) => assert.ok(Math.abs(loss - ([0, 1, 1, 2, 2, 3, 3, 4, 4][i]! / 4) * whole) < 1e-6 * whole, `${i}: ${loss}`));
    assert.equal(model.weights().get('step')!.data[0], 6);
  });

  it('learns with it', async () => {
    const trainer = new Trainer(new Vae(), { loss: new MSELoss(), optimizer: new Adam({ lr: 0.02 }) });
    const { epochs } = await trainer.fit({ x, y: x }, { epochs: 60, batchSize: 8 });
    assert.ok(epochs.at(-1)!.loss < epochs[0]!.loss);
  });

  it('is what a field is not, which is read when a program is made', async () => {
    class Scaled extends Loss {
      factor = 1;
      forward(prediction: Tensor): Tensor {
        return add(mul(mean(prediction), 0), full([], this.factor));
      }
    }
    const loss = new Scaled();
    const trainer = new Trainer(new Linear(1), { loss, optimizer: new SGD({ lr: 0 }) });
    assert.equal((await trainer.step({ x, y: {} })).loss, 1);
    loss.factor = 2;
    assert.equal((await trainer.step({ x, y: {} })).loss, 1);
    assert.equal((await trainer.step({ x: x.rows(0, 3), y: {} })).loss, 2);
  });
});
