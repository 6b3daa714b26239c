/** Layers that are called past the scope of the model. */
import assert from 'node:assert/strict';
import {
  BatchNorm,
  CrossAttention,
  Dropout,
  Embedding,
  GRU,
  LSTM,
  LSTMCell,
  Lambda,
  Layer,
  Linear,
  MultiHeadAttention,
  PReLU,
  type Scope,
  Sequential,
  type Tensor,
  array,
  cast,
} from '../../lib/index.js';

type Called = (...inputs: readonly Tensor[]) => Tensor;

class Net extends Layer {
  readonly inner: { forward: Called };
  constructor(
    inner: Layer<never>,
    readonly count = 1,
  ) {
    super();
    this.inner = inner as never;
  }
  forward(x: Tensor, _scope: Scope): Tensor {
    const input = this.inner instanceof Embedding ? cast(x, 'int32') : x;
    return this.inner.forward(...Array.from({ length: this.count }, () => input));
  }
}

const x = array(new Float32Array(12), [2, 2, 3]);

describe('a layer that is called without a scope', () => {
  for (const inner of [new Linear(2), new Dropout(), new BatchNorm(), new Sequential([new Linear(2)]), new Embedding(4, 2), new PReLU()]) {
    it(`is refused: ${inner.constructor.name}`, () => {
      for (const [model, name] of [
        [new Net(inner), 'Net'],
        [new Sequential([new Net(inner)]), 'Net "0"'],
      ] as const)
        assert.throws(() => model.predictSync(x), {
          name: 'StateError',
          message: new RegExp(
            `^${name}: expected a scope as the last argument of each layer called within, got none \\(.*\\)\\. Call it by scope\\.call\\('fc', this\\.fc, x\\)\\.$`,
          ),
        });
    });
  }
  for (const [inner, count] of [
    [new LSTM(2), 1],
    [new GRU(2), 2],
    [new MultiHeadAttention(1), 1],
    [new CrossAttention(1), 2],
    [new LSTM(2), 0],
    [new LSTMCell(2), 1],
  ] as const) {
    const got = count === 0 ? 'undefined' : 'Tensor';
    it(`is refused: ${inner.constructor.name} of ${count} inputs`, () =>
      assert.throws(() => new Net(inner, count).predictSync(x), {
        name: 'StateError',
        message: `Net: ${inner.constructor.name}: expected a scope as the last argument, got ${got}. Call it by scope.call('body', this.body, x).`,
      }));
  }
  it('is refused in a Lambda', () => {
    const call = new Linear(2) as never as { forward: Called };
    assert.throws(() => new Sequential([new Lambda((input) => call.forward(input))]).predictSync(x), {
      name: 'StateError',
      message: /^Lambda "0": expected a scope/,
    });
  });
  it('is told from another mistake', () => {
    const read = (input: Tensor): Tensor => (input as never as { body: { half: Tensor } }).body.half;
    assert.throws(() => new Sequential([new Lambda(read)]).predictSync(x), { name: 'TypeError', message: /half/ });
  });

  it('is refused where it calls itself without end', () => {
    class Loop extends Layer {
      readonly again: Layer = this;
      forward(x: Tensor, scope: Scope): Tensor {
        return scope.call('again', this.again, x);
      }
    }
    const message = 'Loop "loop": expected a forward that comes to an end, got one that calls itself again and again. Call another layer, or end it at some size.'; // prettier-ignore
    assert.throws(() => new Sequential({ loop: new Loop() }).build([3]), { name: 'StateError', message });
  });
});
