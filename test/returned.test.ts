/** Functions of the caller that are async and must not be: one error says so, and their own rejection ends no process. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import {
  type Augmentation,
  Lambda,
  Layer,
  Linear,
  Loss,
  Losses,
  MSELoss,
  Metric,
  Optimizer,
  SGD,
  type Scope,
  Sequential,
  type Tensor,
  Trainer,
  type TrainerOptions,
  array,
  compile,
  gradcheck,
  matmul,
  mean,
  reshape,
  zeros,
} from '../lib/index.js';
import { gotReturned } from '../lib/returned.js';

const x = array([[1, 2]]);
const data = { x, y: array([[1]]) };
const mine = new Error('mine');
const fails = (async () => {
  throw mine;
}) as () => never;
const fit = (
  options: Partial<TrainerOptions>,
  augment: readonly Augmentation[] = [],
  model: Sequential | Linear = new Linear(1),
): Promise<unknown> => new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }), ...options }).fit(data, { augment });
const gives = (give: (scope: Scope, x: Tensor) => void): Promise<unknown> => new Gives(give).predict(x);
const heads = (options: Partial<TrainerOptions<{ a: Tensor }>>, losses: { a: Loss } = { a: new MSELoss() }): Promise<unknown> => {
  return new Trainer(new Heads(), { loss: new Losses(losses), optimizer: new SGD(), ...options }).fit({ x, y: { a: data.y } });
};

class Slow extends Layer {
  forward = fails;
}
class SlowLoss extends Loss {
  forward = fails;
}
class SlowWeight extends MSELoss {
  override weight = fails;
}
class SlowMetric extends Metric {
  readonly name = 'slow';
  forward = fails;
}
class SlowFigures extends SlowMetric {
  override combine = (): void => undefined;
}
class Heads extends Layer<[Tensor], { a: Tensor }> {
  readonly a = new Linear(1);
  forward(x: Tensor, scope: Scope): { a: Tensor } {
    return { a: scope.call('a', this.a, x) };
  }
}
class SlowCheck extends MSELoss {
  override validate = fails;
}
class SlowMetricCheck extends Metric {
  readonly name = 'slow';
  override validate = fails;
  forward(p: Tensor): Tensor {
    return mean(p);
  }
}
class SlowCombine extends Metric {
  readonly name = 'slow';
  override combine = fails;
  forward(p: Tensor): Tensor {
    return reshape(mean(p), [1]);
  }
}
/** Gives the scope, or an operation, what is a promise. */
class Gives extends Layer {
  readonly #give: (scope: Scope, x: Tensor) => void;

  constructor(give: (scope: Scope, x: Tensor) => void) {
    super();
    this.#give = give;
  }

  forward(x: Tensor, scope: Scope): Tensor {
    this.#give(scope, x);
    return x;
  }
}
class Rule extends Optimizer {
  readonly slots = ['m'];
  readonly lr = 0.1;
  update = fails;
}
class Slots extends Optimizer {
  readonly slots = ['m'];
  readonly lr = 0.1;
  override update(parameter: never): never {
    return { parameter, slots: { m: fails() } } as never;
  }
}

describe('an async function where a value is expected', () => {
  const cases: readonly (readonly [name: string, call: () => Promise<unknown>, message: RegExp])[] = [
    ['forward of a layer', () => new Slow().predict(x), /^Slow: expected forward to return a tensor, or tensors by name, got Promise\. Write/],
    ['forward of a layer within', () => new Sequential([new Slow()]).predict(x), /^Slow "0": expected forward/],
    ['outputs by name', () => new Lambda(() => ({ a: fails() }) as never).predict(x), /tensors by name, got Promise/],
    ['Lambda', () => new Lambda(fails).predict(x), /^Lambda: expected forward/],
    ['compile', () => compile(fails)(), /^compile: expected a function .*, got Promise\. Write/],
    ['several results of compile', () => compile(() => [fails(), fails()])(), /^compile: .*, got Promise\. Write/],
    ['gradcheck', () => gradcheck(fails, [x]), /^gradcheck: expected a function .*, got Promise\. Write/],
    ['gradcheck of a layer', () => gradcheck(new Linear(1, { weightInit: fails }), [x]), /^Linear: initializer of "weight": .*, got Promise\. Write/],
    ['forward of a loss', () => fit({ loss: new SlowLoss() }), /^SlowLoss: expected a tensor of one number, got Promise\. Write/],
    ['weight of a loss', () => fit({ loss: new SlowWeight() }), /^weight of SlowWeight: .*, got Promise\. Write/],
    ['forward of a metric', () => fit({ metrics: [new SlowMetric()] }), /^slow: .*, got Promise\. Write/],
    ['figures of a metric', () => fit({ metrics: [new SlowFigures()] }), /^slow: expected figures .*, got Promise\. Write/],
    ['validate of a loss', () => fit({ loss: new SlowCheck() }), /^fit: SlowCheck: expected validate to return nothing, got Promise\. Write/],
    ['validate of one of several losses', () => heads({}, { a: new SlowCheck() }), /^fit: SlowCheck: expected validate .* got Promise\. Write/],
    ['validate of a metric', () => fit({ metrics: [new SlowMetricCheck()] }), /^fit: slow: expected validate to return nothing, got Promise\. Write/],
    ['validate of a metric of one output', () => heads({ metrics: [new SlowMetricCheck().of('a')] }), /^fit: slow: expected validate .* got Promise\. Write/],
    ['combine of a metric', () => fit({ metrics: [new SlowCombine()] }), /^slow: expected combine to return nothing, got Promise\. Write/],
    ['the choice of a group', () => fit({ groups: [{ parameters: fails, optimizer: new SGD() }] }), /^Trainer: expected true or false from parameters of groups\[0\] for "weight", got Promise\. Write/],
    ['the body of scope.enter', () => gives((scope) => scope.enter('a', new Linear(1), fails)), /^Linear "a": scope\.enter: .* got Promise\. Write/],
    ['an input of scope.call', () => gives((scope) => scope.call('a', new Linear(1), fails())), /scope\.call: .* got Promise\. Write/],
    ['a loss of a layer', () => gives((scope) => scope.addLoss(fails())), /^Gives: scope\.addLoss: expected one number, got Promise\. Write/],
    ['a buffer', () => gives((scope) => scope.assign(scope.buffer('b', [1], zeros()), fails())), /^Gives: scope\.assign: .* got Promise\. Write/],
    ['an operand', () => gives((_, x) => matmul(x, fails())), /^Gives: matmul: expected a tensor .*, got Promise\. Write/],
    ['data', () => new Linear(1).predict(fails()), /^Linear\.predict: expected data made by array\(\), got Promise\. Await it\.$/],
    ['data among others', () => new Linear(1).predict([x, fails()]), /^Linear\.predict: .* got Promise\. Await it\.$/],
    ['data of a stream', async () => new Linear(1).build([3, 2]).stream().step(fails()), /^Linear\.stream: .* got Promise\. Await it\.$/],
    ['update of an optimizer', () => fit({ optimizer: new Rule() }), /^Rule: expected \{ parameter, slots \} from update, got Promise\. Write/],
    ['a slot of an optimizer', () => fit({ optimizer: new Slots() }), /^Slots: .* for slot m from update, got Promise\. Write/],
    ['a schedule', () => fit({ optimizer: new SGD({ lr: fails }) }), /^Trainer: .* for step 0, got Promise\. Write/],
    ['a penalty', () => fit({ penalties: [fails] }), /^penalty: .*, got Promise\. Write/],
    ['an initializer', () => fit({}, [], new Linear(1, { weightInit: fails })), /^initializer of "weight": .*, got Promise\. Write/],
    ['an augmentation', () => fit({}, [{ name: 'slow', forward: fails }]), /^fit: slow: expected forward to return .*, got Promise\. Write/],
    ['a part of an augmentation', () => fit({}, [{ name: 'slow', forward: ({ y }) => ({ x: fails(), y }) }]), /^fit: slow: .*, got Promise\. Write/],
  ]; // prettier-ignore
  for (const [name, call, message] of cases)
    it(`${name}`, async () => {
      const untaken: unknown[] = [];
      const onUntaken = (reason: unknown): number => untaken.push(reason);
      process.on('unhandledRejection', onUntaken);
      await assert.rejects(call, { message });
      await setImmediate();
      process.off('unhandledRejection', onUntaken);
      assert.deepEqual(untaken, []);
    });
  it('is told from a choice that is no boolean', async () => {
    const parameters = (() => null) as () => never;
    await assert.rejects(fit({ groups: [{ parameters, optimizer: new SGD() }] }), {
      name: 'OptionError',
      message: 'Trainer: expected true or false from parameters of groups[0] for "weight", got null.',
    });
  });
  it('is told from other values that are refused', () => {
    assert.equal(gotReturned(undefined, 'Return both.'), 'got undefined. Return both.');
    assert.equal(gotReturned([1], '', '1 value'), 'got 1 value.');
    assert.equal(gotReturned({ then: 1 }), 'got Object.');
  });
});
