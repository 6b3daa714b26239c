import assert from 'node:assert/strict';
import { Adagrad, Adam, AdamW, L1Loss, Linear, type Optimizer, RMSprop, SGD, Sequential, Trainer, array } from '../../lib/index.js';

const wrong: readonly (readonly [() => unknown, string])[] = [
  [() => new SGD({ lr: -1 }), 'SGD: expected a number ≥ 0 or a function of the step for lr, got -1.'],
  [() => new SGD({ momentum: NaN }), 'SGD: expected a number ≥ 0 for momentum, got NaN.'],
  [() => new SGD({ nesterov: true }), 'SGD: expected momentum > 0 and dampening 0 for nesterov, got 0 and 0.'],
  // @ts-expect-error of another optimizer
  [() => new SGD({ betas: [0, 0] }), 'SGD: expected options among lr, momentum, dampening, nesterov, weightDecay, got betas.'],
  [() => new Adam({ betas: [0.9, 1] }), 'Adam: expected a list of 2, each a number in [0, 1) for betas, got [ 0.9, 1 ].'],
  [() => new Adam({ eps: 0 }), 'Adam: expected a number > 0, 1.2e-38 at least for eps, got 0.'],
  [() => new Adam({ eps: 1e-39 }), 'Adam: expected a number > 0, 1.2e-38 at least for eps, got 1e-39.'],
  [() => new Adam(Object.create({ lr: -1 }) as object), 'Adam: expected a number ≥ 0 or a function of the step for lr, got -1.'],
  // @ts-expect-error of the wrong kind
  [() => new AdamW({ lr: '0.1' }), "AdamW: expected a number ≥ 0 or a function of the step for lr, got '0.1'."],
  // @ts-expect-error of the wrong kind
  [() => new AdamW({ amsgrad: 1 }), 'AdamW: expected true or false for amsgrad, got 1.'],
  [() => new RMSprop({ alpha: 1 }), 'RMSprop: expected a number in [0, 1) for alpha, got 1.'],
  [() => new Adagrad({ lrDecay: -1 }), 'Adagrad: expected a number ≥ 0 for lrDecay, got -1.'],
];

describe('optimizers', () => {
  for (const [make, message] of wrong) it(message, () => assert.throws(make, { name: 'OptionError', message }));
  for (const optimizer of [new SGD(), new Adam(), new AdamW(), new RMSprop(), new Adagrad()]) {
    it(`let their rate be set and nothing else: ${optimizer.constructor.name}`, () => {
      optimizer.lr = 0.5;
      assert.equal(optimizer.lr, 0.5);
      for (const name of Object.keys(optimizer))
        if (name !== 'lr') assert.throws(() => Object.assign(optimizer, { [name]: 100 }), { name: 'TypeError', message: /read ?only/ });
      const { slots, scalars, slotInit, moments } = optimizer as Optimizer & Partial<Pick<Adam, 'moments'>>;
      for (const field of [slots, scalars, slotInit, moments, moments?.betas]) assert.ok(field === undefined || Object.isFrozen(field));
    });
  }
  it('keep only the slots they need', () => {
    assert.deepEqual(new SGD().slots, []);
    assert.deepEqual(new SGD({ momentum: 0.9 }).slots, ['momentum']);
    assert.deepEqual(new Adam({ amsgrad: true }).slots, ['m', 'v', 'vMax']);
    assert.deepEqual(new RMSprop({ centered: true, momentum: 0.5 }).slots, ['v', 'a', 'b']);
    assert.deepEqual(new Adagrad({ initialAccumulatorValue: 0.5 }).slotInit, { s: 0.5 });
  });
  it('work out bias corrections in double precision', () => {
    const out = new Float32Array(4);
    new Adam().writeScalars(out, 1, 0, 1e-3);
    assert.deepEqual([...out], [0, 1e-3 / (1 - 0.9), 1 / Math.sqrt(1 - 0.999), 0].map(Math.fround));
  });
  it('divide by a deviation that rounding leaves nothing of: centered RMSprop under a steady gradient', async () => {
    const model = new Sequential([new Linear(1)], { seed: 1 });
    const trainer = new Trainer(model, { loss: new L1Loss(), optimizer: new RMSprop({ lr: 1e-4, alpha: 0.9, centered: true }) });
    await trainer.fit({ x: array([[1, 2], [3, 1]]), y: array([[1e6], [1e6]]) }, { epochs: 2000 }); // prettier-ignore
    for (const { data } of model.weights().values()) assert.ok(data.every(Number.isFinite), String(data));
  });
});
