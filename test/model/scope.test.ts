/** What layers ask of their scope wrongly. */
import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import type { Outputs } from '../../lib/graph/outputs.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { CrossAttention, GRUCell, LSTMCell, Layer, Linear, MultiHeadAttention, RNNCell, type Scope } from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { add, cast, concat } from '../../lib/ops/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';

type Code = { mu: Tensor; logvar: Tensor };
class Encoder extends Layer<[Tensor], Code> {
  readonly mu = new Linear(2);
  readonly logvar = new Linear(2);
  forward(x: Tensor, scope: Scope): Code {
    return { mu: scope.call('mu', this.mu, x), logvar: scope.call('logvar', this.logvar, x) };
  }
}
const encoder = new Encoder();
/** Gives what the layer within gives. */
class Around<Output extends Outputs> extends Layer<[Tensor], Output> {
  constructor(readonly inner: Layer<[Tensor], Output>) {
    super();
  }
  forward(x: Tensor, scope: Scope): Output {
    return scope.call('inner', this.inner, x);
  }
}
class Body extends Layer {
  constructor(readonly body: (x: Tensor, scope: Scope) => Tensor) {
    super();
  }
  forward(x: Tensor, scope: Scope): Tensor {
    return this.body(x, scope);
  }
}
const linear = new Linear(3);
const call = (scope: Scope, layer: unknown, ...inputs: readonly unknown[]): Tensor =>
  (scope.call as (name: string, layer: unknown, ...inputs: readonly unknown[]) => Tensor)('a', layer, ...inputs);

const wrong: readonly (readonly [what: string, body: (x: Tensor, scope: Scope) => Tensor, name: string, message: RegExp])[] = [
  ['no layer', (x, scope) => call(scope, undefined, x), 'OptionError', /^Body: scope\.call: expected a layer for "a", got undefined\. Make it in a field/],
  ['a list of layers', (x, scope) => call(scope, [linear], x), 'OptionError', /got Array/],
  ['the class of a layer', (x, scope) => call(scope, Linear, x), 'OptionError', /got a function/],
  ['a path as name', (x, scope) => scope.call('blocks.0', linear, x), 'OptionError', /^Body: scope: expected a name that is not empty and without dots, got 'blocks\.0'\. Call 'blocks', a Sequential or a layer of your own, which has '0' in it\.$/],
  ['an empty name', (x, scope) => scope.call('', linear, x), 'OptionError', /^Body: scope: .* without dots, got ''\.$/],
  ['a number as name', (x, scope) => scope.call(0 as never, linear, x), 'OptionError', /^Body: scope: .* without dots, got number\.$/],
  ['null as input', (_, scope) => call(scope, linear, null), 'DTypeError', /^Body: scope\.call: expected a tensor for input 0 of "a", got null\./],
  ['a number as input', (x, scope) => call(scope, new CrossAttention(1), x, 3), 'DTypeError', /for input 1 of "a", got number/],
  ['an input left out before another', (x, scope) => call(scope, new CrossAttention(1), undefined, x), 'DTypeError', /for input 0 of "a", got undefined/],
  ['outputs by name as input', (x, scope) => call(scope, linear, scope.call('encoder', encoder, x)), 'DTypeError', /^Body: scope\.call: expected a tensor for input 0 of "a", got Object\. Take one of its tensors: mu, logvar\.$/],
  ['outputs by name as operand', (x, scope) => add(scope.call('encoder', encoder, x) as never, 1), 'DTypeError', /^Body: add: expected a tensor or a number for a, got Object\. Take one of its tensors: mu, logvar\.$/],
  ['a body that gives a tensor', (x, scope) => scope.enter('a', linear, () => x as never), 'ShapeError', /scope\.enter: expected tensors by name from its body, got Tensor\. Return \{ y \}\./],
  ['a body that gives nothing', (x, scope) => (scope.enter('a', linear, () => ({ y: undefined as never })), x), 'ShapeError', /scope\.enter: expected tensors by name/],
  ['a body without a result', (x, scope) => (scope.enter('a', linear, () => undefined as never), x), 'ShapeError', /from its body, got undefined\./],
  ['a number for a buffer', (x, scope) => (scope.assign(scope.buffer('b', [1], () => new Float32Array(1)), 3 as never), x), 'DTypeError', /scope\.assign: expected a tensor for buffer "b", got number/],
  ['one input of two halves', (x, scope) => call(scope, new LSTMCell(3), x, x), 'ShapeError', /LSTMCell "a": expected x, or x, h and c, got 2 inputs\./],
  ['three inputs of a GRUCell', (x, scope) => call(scope, new GRUCell(3), x, x, x), 'ShapeError', /GRUCell "a": expected x, or x and h, got 3 inputs\./],
  ['three inputs of an RNNCell', (x, scope) => call(scope, new RNNCell(3), x, x, x), 'ShapeError', /RNNCell "a": expected x, or x and h, got 3 inputs\./],
]; // prettier-ignore

describe('a scope', () => {
  for (const [what, body, name, message] of wrong)
    it(`refuses ${what}`, () => assert.throws(() => new Body(body).build([3]), { name, message }));

  it('gives outputs by name of a layer that has them', async () => {
    class Autoencoder extends Layer<[Tensor], Code & { y: Tensor }> {
      readonly encoder = new Encoder();
      readonly decoder = new Linear(3);
      forward(x: Tensor, scope: Scope): Code & { y: Tensor } {
        const { mu, logvar } = scope.call('encoder', this.encoder, x);
        return { y: scope.call('decoder', this.decoder, add(mu, logvar)), mu, logvar };
      }
    }
    const model = new Autoencoder().build([3]);
    const x = sample([4, 3]);
    const { y, mu, logvar } = await model.predict(x);
    const code = await model.encoder.predict(x);
    assert.deepEqual([mu.data, logvar.data, y.shape], [code.mu.data, code.logvar.data, [4, 3]]);
    assert.deepEqual([...model.weights().keys()].slice(0, 2), ['encoder.mu.weight', 'encoder.mu.bias']);
    const outputs = model.summary().layers.map(({ path, outputs: of }) => [path, Object.keys(of)]);
    assert.deepEqual(outputs.slice(-3), [['encoder', ['mu', 'logvar']], ['decoder', ['']], ['', ['y', 'mu', 'logvar']]]); // prettier-ignore
    const again = await new Around(new Around(model.encoder)).predict(x);
    assert.deepEqual(again.mu.data, code.mu.data);
    const one = await new Around(model.encoder.mu).predict(x);
    assert.deepEqual(one.data, code.mu.data);
  });

  it('takes lengths that are undefined as none', async () => {
    const of = (...more: readonly undefined[]): Layer =>
      new Body((x, scope) => call(scope, new MultiHeadAttention(1), x, ...more)).build([4, 2]);
    const x = sample([2, 4, 2]);
    assert.deepEqual((await of(undefined).predict(x)).shape, [2, 4, 2]);
  });

  it('keeps whole numbers as the floats they are', () => {
    const counting = new Body((x, scope) => {
      const count = scope.state('count', [1]);
      scope.keep(count, cast(add(count, 1), 'int32'));
      return add(x, count);
    });
    const stream = counting.build([1, 1]).stream();
    assert.deepEqual([0, 1, 2].map(() => stream.step(array([[0]])).data[0]), [0, 1, 2]); // prettier-ignore
    assert.throws(() => new Body((x, scope) => (scope.keep(scope.state('s', [1]), 3 as never), x)).build([3, 1]).stream(), {
      name: 'DTypeError',
      message: /scope\.keep: expected a tensor for "s", got number/,
    });
  });

  it('assigns whole numbers to a buffer as the floats they are', async () => {
    const counting = new Body((x, scope) => {
      const count = scope.buffer('count', [1], () => new Float32Array(1));
      scope.assign(count, cast(add(count, 1), 'int32'));
      return add(
        x,
        scope.parameter('shift', [1], () => new Float32Array(1)),
      );
    });
    const trainer = new Trainer(counting, { loss: new MSELoss(), optimizer: new SGD() });
    for (let i = 0; i < 3; i++) await trainer.step({ x: sample([2, 1], 1), y: sample([2, 1], 2) });
    assert.deepEqual([...counting.weights().get('count')!.data], [3]);
  });

  it('gives no state of another shape than before', async () => {
    const tail = new Body((x, scope) => {
      const before = scope.state('before', x.shape);
      scope.keep(before, x);
      return add(scope.call('linear', linear, concat([before, x], 1)), 0);
    });
    const trainer = new Trainer(tail, { loss: new MSELoss(), optimizer: new SGD() });
    const batch = (t: number): { x: ReturnType<typeof sample>; y: ReturnType<typeof sample> } => ({ x: sample([2, t, 2], 1), y: sample([2, 2 * t, 3], 2) }); // prettier-ignore
    await trainer.step(batch(5), { carryState: true });
    await assert.rejects(trainer.step(batch(4), { carryState: true }), {
      name: 'ShapeError',
      message:
        'Body: scope.state: expected shape [2, 5, 2] for "before", as in the steps before, got [2, 4, 2]. A state has one shape, however long a step is.',
    });
  });
});
