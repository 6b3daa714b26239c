import assert from 'node:assert/strict';
import {
  CrossEntropyLoss,
  type EpochRecord,
  Layer,
  Linear,
  Loss,
  MSELoss,
  Philox,
  SGD,
  Sequential,
  type Scope,
  type Tensor,
  Trainer,
  add,
  array,
  concat,
  l2,
  log,
  mean,
  mul,
  neg,
  slice,
  square,
  sub,
  zeros,
} from '../../lib/index.js';

const x = array(new Philox(1).normal(18), [6, 3]);
const y = array(new Philox(2).normal(6), [6, 1]);

/** A head on a code, whose squares cost something. */
class Coded extends Layer {
  override readonly seed: number = 3;
  readonly code: Linear = new Linear(2);
  readonly head: Linear = new Linear(1);
  constructor(readonly term: (code: Tensor) => Tensor = (code) => mul(mean(square(code)), 0.5)) {
    super();
  }
  forward(input: Tensor, scope: Scope): Tensor {
    const code = scope.call('code', this.code, input);
    scope.addLoss(this.term(code));
    return scope.call('head', this.head, code);
  }
}

/** The same with both as outputs, and the sum in the loss. */
class SideBySide extends Coded {
  override forward(input: Tensor, scope: Scope): Tensor {
    const code = scope.call('code', this.code, input);
    return concat([scope.call('head', this.head, code), code], 1);
  }
}
class Sum extends Loss {
  forward(prediction: Tensor, target: Tensor): Tensor {
    const part = (from: number, width: number): Tensor => slice(prediction, [0, from], [-1, width]);
    return add(mean(square(sub(part(0, 1), target))), mul(mean(square(part(1, 2))), 0.5));
  }
}

describe('addLoss', () => {
  it('adds to the loss in training and evaluation', async () => {
    const added = new Trainer(new Coded(), { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) });
    const summed = new Trainer(new SideBySide(), { loss: new Sum(), optimizer: new SGD({ lr: 0.1 }) });
    for (let epoch = 0; epoch < 5; epoch++) {
      const [a, b] = await Promise.all([added.step({ x, y }), summed.step({ x, y })]);
      assert.ok(Math.abs(a.loss - b.loss) < 1e-6 * b.loss, `${a.loss} and ${b.loss}`);
    }
    const [a, b] = await Promise.all([added.evaluate({ x, y }), summed.evaluate({ x, y })]);
    assert.ok(Math.abs(a.loss - b.loss) < 1e-6 * b.loss);
  });

  it('leaves predictions alone', async () => {
    const prediction = await new Coded().predict(x);
    const both = await new SideBySide().predict(x);
    assert.deepEqual(
      [...prediction.data],
      [...both.data].filter((_, i) => i % 3 === 0),
    );
  });

  it('trains by what is added alone', async () => {
    class Nothing extends Loss {
      forward(prediction: Tensor): Tensor {
        return mul(mean(prediction), 0);
      }
    }
    const trainer = new Trainer(new Coded(), { loss: new Nothing(), optimizer: new SGD({ lr: 0.5 }) });
    const before = (await trainer.step({ x, y })).loss;
    for (let i = 0; i < 50; i++) await trainer.step({ x, y });
    assert.ok((await trainer.step({ x, y })).loss < 0.1 * before);
  });

  it('refuses what is no single number', async () => {
    const trainer = new Trainer(new Coded(square), { loss: new MSELoss(), optimizer: new SGD() });
    await assert.rejects(trainer.fit({ x, y }), {
      name: 'ShapeError',
      message: /^fit: Coded: scope.addLoss: expected one number, got shape \[6, 2\]\. Reduce it with mean\(\) or sum\(\)\./,
    });
  });

  const sampleWeight = array(Float32Array.of(1, 0, 4, 0.5, 2, 3));
  const missing = array(y.data.map((value, i) => (i < 2 ? NaN : value)), [6, 1]); // prettier-ignore
  const classes = array(Int32Array.of(0, -1, -1, -1, 0, 0));
  for (const [what, loss, data] of [
    ['sampleWeight', new MSELoss(), { x, y, sampleWeight }],
    ['ignoreNaN', new MSELoss({ ignoreNaN: true }), { x, y: missing }],
    ['ignoreIndex', new CrossEntropyLoss({ ignoreIndex: -1 }), { x, y: classes }],
  ] as const) {
    it(`counts all rows alike where the loss does not, with ${what}`, async () => {
      const trainer = new Trainer(new Coded(), { loss, optimizer: new SGD({ lr: 0 }), penalties: [l2(0.1)] });
      const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-6 * b, `${a} and ${b}`);
      const [whole, parts] = [await trainer.evaluate(data), await trainer.evaluate(data, { batchSize: 4 })];
      near(parts['loss'], whole['loss']);
      const step = await trainer.step(data);
      for (const batchSize of [4, 2]) near(step['loss'], (await trainer.fit(data, { batchSize })).last!.loss);
      const [{ steps }] = (await trainer.fit(data, { shuffle: false, keepSteps: true })).epochs as [EpochRecord];
      assert.deepEqual(steps!['loss'], Float32Array.of(step['loss']));
    });
  }

  it('counts once a step where the loss is a sum', async () => {
    const trainer = new Trainer(new Coded(), { loss: new MSELoss({ reduction: 'sum' }), optimizer: new SGD() });
    const part = async (from: number, to: number): Promise<number> =>
      (await trainer.evaluate({ x: x.rows(from, to), y: y.rows(from, to), sampleWeight: array(sampleWeight.data.slice(from, to)) }))[
        'loss'
      ];
    const { loss } = await trainer.evaluate({ x, y, sampleWeight }, { batchSize: 4 });
    assert.equal(loss, (await part(0, 4)) + (await part(4, 6)));
  });

  it('names the layer of a NaN in what is added or assigned, with debug', async () => {
    class Counting extends Coded {
      override forward(input: Tensor, scope: Scope): Tensor {
        const mass = scope.buffer('mass', [1], zeros());
        scope.assign(mass, log(sub(mass, 1)));
        return super.forward(input, scope);
      }
    }
    for (const part of [new Coded((code) => mean(log(neg(square(code))))), new Counting()]) {
      const model = new Sequential({ body: part });
      const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD() });
      const { name } = part.constructor;
      await assert.rejects(trainer.fit({ x, y }, { debug: true }), { name: 'DataError', message: new RegExp(`^${name} "body"`) });
    }
  });
});
