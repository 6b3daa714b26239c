/** Layers, losses, metrics and optimizers of one's own that lack something, as JavaScript lets them. */
import assert from 'node:assert/strict';
import {
  Layer,
  Linear,
  Loss,
  Metric,
  Optimizer,
  ReLU,
  type Scope,
  type Tensor,
  type TrainerOptions,
  type Update,
  add,
  array,
  mul,
  sub,
} from '../../lib/index.js';
import { trainerOf } from '../support/trainer.js';

/** The class without what is abstract. */
function incomplete<T extends object>(Base: abstract new () => T): new () => T {
  class My extends (Base as never as new () => object) {}
  return My as new () => T;
}
const x = array([[1, 2], [3, 4]]); // prettier-ignore

describe('a class of one’s own', () => {
  const wrong: readonly (readonly [what: string, options: Partial<TrainerOptions>, message: string])[] = [
    [
      'Loss without forward',
      { loss: new (incomplete(Loss))() },
      'Trainer: expected a Loss with forward for loss, got My { reduction: undefined, ignoreNaN: undefined }. For example new CrossEntropyLoss().',
    ],
    [
      'Metric without name and forward',
      { metrics: [new (incomplete(Metric))()] },
      'Trainer: expected a list, each a Metric with name and forward for metrics, got [ My { better: undefined } ]. For example [accuracy()].',
    ],
    [
      'Optimizer without slots and update',
      { optimizer: new (incomplete(Optimizer))() },
      "Trainer: expected an Optimizer with slots and update for optimizer, got My { slotInit: {}, restsAtZero: false, scalars: [ 'lr' ] }. For example new Adam({ lr: 0.001 }).",
    ],
  ];
  for (const [what, options, message] of wrong) {
    it(`is refused: ${what}`, () => assert.throws(() => trainerOf(new Linear(2), options), { name: 'OptionError', message }));
  }

  it('is refused: Layer without forward', () => {
    const My = incomplete(Layer);
    const refused = (message: string): object => ({ name: 'OptionError', message });
    assert.throws(() => new My().predictSync(x), refused('My: expected a method forward, got undefined.'));
    class Outer extends Layer {
      readonly inner = new My();
      forward(input: Tensor, scope: Scope): Tensor {
        return scope.call('inner', this.inner, input);
      }
    }
    assert.throws(() => new Outer().predictSync(x), refused('My "inner": expected a method forward, got undefined.'));
  });

  it('is refused: an initializer that gives other things', () => {
    class My extends Layer {
      forward(input: Tensor, scope: Scope): Tensor {
        return add(
          input,
          scope.parameter('a', [2], () => [1, 2] as never),
        );
      }
    }
    const message = 'initializer of "a": expected a Float32Array of 2 values for shape [2], got Array.';
    assert.throws(() => new My().build([2]), { name: 'ShapeError', message });
  });

  it('is refused: an Optimizer that does not write its scalars', async () => {
    class My extends Optimizer {
      readonly slots: readonly string[] = [];
      lr = 0.1;
      override readonly scalars: readonly string[] = ['lr', 'k'];
      update(parameter: Tensor, gradient: Tensor, _: object, { lr, k }: Readonly<Record<string, Tensor>>): Update {
        return { parameter: sub(parameter, mul(mul(gradient, lr!), k!)), slots: {} };
      }
    }
    const trainer = trainerOf(new Linear(2), { optimizer: new My() });
    const message = 'My: expected writeScalars to write a number for k, got none.';
    await assert.rejects(trainer.fit({ x, y: x }, { epochs: 2, batchSize: 1 }), { name: 'OptionError', message });
    assert.equal(trainer.updates, 0);
  });
});

describe('the number of inputs', () => {
  class Two extends Layer<[Tensor, Tensor]> {
    forward(a: Tensor, b: Tensor): Tensor {
      return add(a, b);
    }
  }
  class Any extends Layer<readonly Tensor[]> {
    forward(...args: readonly [...Tensor[], Scope]): Tensor {
      return args[0] as Tensor;
    }
  }
  const wrong: readonly (readonly [what: string, () => unknown, message: string])[] = [
    [
      'more than forward has parameters',
      () => new ReLU().predictSync([x, x]),
      'ReLU: expected at most 1 input, got 2. Give as many as its forward takes; (...args) takes any number.',
    ],
    [
      'one less, where forward leaves the scope out',
      () => new Two().predictSync(x),
      'Two: expected 2 inputs, got 1. Give as many as its forward takes; (...args) takes any number.',
    ],
  ];
  for (const [what, call, message] of wrong) {
    it(`is refused: ${what}`, () => assert.throws(call, { name: 'ShapeError', message }));
  }
  it('is free for forward(...args)', () => {
    for (const inputs of [[x], [x, x, x]]) assert.deepEqual(new Any().predictSync(inputs).data, x.data);
  });
  it('is that of forward without the scope', () => {
    assert.deepEqual(new Two().predictSync([x, x]).data, Float32Array.of(2, 4, 6, 8));
  });
});
