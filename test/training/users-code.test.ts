/** Schedules, losses, metrics, penalties and optimizers that give what they should not. */
import assert from 'node:assert/strict';
import {
  Adam,
  CrossEntropyLoss,
  Linear,
  Loss,
  Metric,
  Optimizer,
  SGD,
  Sequential,
  type Tensor,
  type TrainerOptions,
  type Update,
  add,
  argmax,
  cast,
  equal,
  mean,
  sum,
} from '../../lib/index.js';
import { classProblem } from '../support/problems.js';
import { trainerOf } from '../support/trainer.js';

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
      ['y\\. Give y: {} if neither the loss nor a metric takes targets', { x: data.x }],
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
      'Share: expected a loss with a gradient by the trained parameters, got one that does not depend on them. Comparisons, argmax, rounding, casts and stopGradient let none through, nor has outputOf() any by its weights: call layers by scope.call() in forward.';
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
