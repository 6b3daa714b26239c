/** A stream of what mixes steps by operations alone, of which no layer tells. */
import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { Dropout, Embedding, LSTM, Lambda, Layer, Linear, type Scope, Sequential } from '../../lib/layers/index.js';
import {
  abs,
  add,
  concat,
  div,
  full,
  log,
  max,
  mean,
  mul,
  softmax,
  sqrt,
  stack,
  sub,
  tanh,
  transpose,
  unstack,
} from '../../lib/ops/index.js';

/** A recurrence by hand, which keeps its state or does not. */
class Loop extends Layer {
  readonly inner = new Linear(4);
  readonly recurrent = new Linear(4);

  constructor(readonly keeps: boolean) {
    super();
  }

  forward(x: Tensor, scope: Scope): Tensor {
    const shape = [x.shape[0]!, 4];
    const before = this.keeps ? scope.state('h', shape) : full(shape, 0);
    let h = before;
    const outputs: Tensor[] = [];
    for (const t of unstack(x, 1)) {
      h = tanh(add(scope.call('inner', this.inner, t), scope.call('recurrent', this.recurrent, h)));
      outputs.push(h);
    }
    if (this.keeps) scope.keep(before, h);
    return stack(outputs, 1);
  }
}

/** Uniform numbers beside x, in prediction too. */
class Noisy extends Layer {
  forward(x: Tensor, scope: Scope): Tensor {
    return add(x, scope.uniform(x.shape));
  }
}

const axis = { axes: [1], keepDims: true };
const last = (x: Tensor): Tensor => transpose(x, [0, 2, 1]);

describe('a stream of what looks along the sequence by operations', () => {
  const wrong: readonly (readonly [string, Layer])[] = [
    ['a recurrence by hand', new Loop(false)],
    ['a mean over time', new Sequential([new LSTM(3), new Lambda((h) => mean(h, { axes: [1] })), new Linear(1)])],
    ['what is left of the mean', new Lambda((x) => sub(x, mean(x, axis)))],
    ['a softmax over time', new Lambda((x) => last(softmax(last(x))))],
    ['a mean of logarithms, which of most numbers drawn there are none of', new Lambda((x) => add(log(x), mean(log(x), axis)))],
    ['a mean beside what is infinite', new Lambda((x) => concat([add(x, mean(x, axis)), div(x, 0)], 2))],
    ['a share of the peak', new Lambda((x) => div(x, max(abs(x), axis)))],
  ];
  for (const [name, layer] of wrong)
    it(`is refused: ${name}`, () =>
      assert.throws(() => layer.build([6, 3]).stream({ rows: 2 }), {
        name: 'StateError',
        message: /\.stream: expected step by step the outputs of two steps at once, got others.*scope\.state\(\)/,
      }));

  it('is refused with weights that show it, after others that did not', () => {
    const model = new Sequential([new Linear(3), new Lambda((h) => add(h, mean(h, axis)))]).build([6, 3]);
    const weights = model.weights();
    model.setWeights(new Map([...weights].map(([path, { shape, size }]) => [path, array(new Float32Array(size), shape)])));
    model.stream();
    model.setWeights(weights);
    assert.throws(() => model.stream({ rows: 2 }), { name: 'StateError', message: /got others/ });
  });
  it('is refused where ids are fed', () => {
    const model = new Sequential([new Embedding(9, 3), new Lambda((h) => mean(h, axis))]).build([6], { dtypes: ['int32'] });
    assert.throws(() => model.stream(), /got others/);
  });

  const right: readonly (readonly [string, Layer])[] = [
    ['a recurrence by hand that keeps its state', new Loop(true)],
    ['noise, which is of other numbers for other shapes', new Noisy()],
    ['dropout', new Dropout(0.5)],
    ['logarithms and roots', new Lambda((x) => concat([log(x), sqrt(x)], 2))],
    ['NaN', new Lambda((x) => mul(x, NaN))],
  ];
  for (const [name, layer] of right) it(`is made: ${name}`, () => assert.ok(layer.build([6, 3]).stream({ rows: 2 })));
  it('is made of a model that was built for single steps', () => assert.ok(new Loop(false).build([1, 3]).stream()));
  it('is made of ids of a small table', () => {
    const model = new Sequential([new Embedding(2, 3), new LSTM(3)]).build([6], { dtypes: ['int32'] });
    assert.deepEqual(model.stream().step(array(Int32Array.of(1))).shape, [1, 3]);
  });
});
