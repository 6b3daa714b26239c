import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import {
  GRU,
  GRUCell,
  LSTM,
  LSTMCell,
  LastStep,
  Layer,
  Linear,
  MaxOverTime,
  MeanOverTime,
  RNN,
  RNNCell,
  type Scope,
  Sequential,
} from '../../lib/layers/index.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { MSELoss } from '../../lib/losses/index.js';
import { concat, matmul, mean, reshape, slice, square, sum } from '../../lib/ops/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';
import { assertGradients, runLayer } from '../support/layer.js';

const lengths = array(Int32Array.of(2, 4, 1));
const x = sample([3, 4, 2]);

/** Gives a layer of sequences its lengths, which are no variable of a gradient check. */
class Masked extends Layer<[Tensor, Tensor]> {
  constructor(readonly body: RNN | LSTM | GRU | LastStep | MeanOverTime | MaxOverTime) {
    super();
  }
  forward(x: Tensor, lengths: Tensor, scope: Scope): Tensor {
    return scope.call('body', this.body, x, lengths);
  }
}

/** Steps a cell over a sequence: what a layer does, by hand. */
class Loop extends Layer {
  constructor(readonly cell: LSTMCell | GRUCell | RNNCell) {
    super();
  }
  forward(x: Tensor, scope: Scope): Tensor {
    const [n, t, i] = x.shape as [number, number, number];
    const ys: Tensor[] = [];
    let state: Readonly<Record<string, Tensor>> = {};
    for (let time = 0; time < t; time++) {
      const now = reshape(slice(x, [0, time, 0], [n, 1, i]), [n, i]);
      const { cell } = this;
      const { h, c } = state;
      state = scope.enter<Readonly<Record<string, Tensor>>>('cell', cell, (inner) => {
        if (cell instanceof LSTMCell) return cell.apply(now, { h, c }, inner);
        return { h: h === undefined ? cell.forward(now, inner) : cell.forward(now, h, inner) };
      });
      ys.push(reshape(state['h']!, [n, 1, this.cell.hiddenSize]));
    }
    return concat(ys, 1);
  }
}

/** An encoder whose last state is the decoder's first. */
class EncoderDecoder extends Layer<[Tensor, Tensor]> {
  readonly encoder: LSTM = new LSTM(3);
  readonly decoder: LSTM = new LSTM(3);

  forward(source: Tensor, target: Tensor, scope: Scope): Tensor {
    const { y: _, ...state } = scope.enter('encoder', this.encoder, (inner) => this.encoder.apply(source, {}, inner));
    return scope.enter('decoder', this.decoder, (inner) => this.decoder.apply(target, state, inner)).y;
  }
}

describe('gradients of recurrent layers against differences', () => {
  const cases: readonly (readonly [string, Layer<never>, readonly NdArray[]])[] = [
    ['RNN', new RNN(3), [x]],
    ['RNN, stacked with dropout', new RNN(2, { numLayers: 2, dropout: 0.3 }), [x]],
    ['LSTM', new LSTM(2), [x]],
    ['LSTM, both ways, last state', new LSTM(2, { bidirectional: true, returnSequences: false }), [x]],
    ['GRU', new GRU(3), [x]],
    ['GRU, reset before', new GRU(3, { resetAfter: false }), [x]],
    ['RNN with lengths', new Masked(new RNN(2, { bidirectional: true })), [x, lengths]],
    ['LSTM with lengths', new Masked(new LSTM(2)), [x, lengths]],
    ['GRU with lengths', new Masked(new GRU(2, { bidirectional: true, returnSequences: false })), [x, lengths]],
    ['LastStep', new LastStep(), [x]],
    ['LastStep with lengths', new Masked(new LastStep()), [x, lengths]],
    ['MeanOverTime', new MeanOverTime(), [x]],
    ['MeanOverTime with lengths', new Masked(new MeanOverTime()), [x, lengths]],
    ['MaxOverTime', new MaxOverTime(), [x]],
    ['MaxOverTime with lengths', new Masked(new MaxOverTime()), [x, lengths]],
    ['an encoder and a decoder', new EncoderDecoder(), [x, sample([3, 2, 2], 7)]],
    ['a loop over LSTMCell', new Loop(new LSTMCell(2)), [x]],
  ];
  for (const [name, layer, inputs] of cases) it(name, () => assertGradients(layer, inputs, { training: true }));
});

describe('recurrent layers', () => {
  it('have a weight, a recurrent weight and a bias for each layer and direction', () => {
    const shapes = (layer: Layer): unknown => [...layer.build([5, 3]).weights()].map(([name, { shape }]) => [name, ...shape]);
    assert.deepEqual(shapes(new LSTM(2)), [['weight0', 3, 8], ['recurrentWeight0', 2, 8], ['bias0', 8]]); // prettier-ignore
    assert.deepEqual(shapes(new GRU(2, { numLayers: 2, bidirectional: true })), [
      ['weight0', 3, 6], ['recurrentWeight0', 2, 6], ['bias0', 6], ['recurrentBias0', 2],
      ['weight0Reverse', 3, 6], ['recurrentWeight0Reverse', 2, 6], ['bias0Reverse', 6], ['recurrentBias0Reverse', 2],
      ['weight1', 4, 6], ['recurrentWeight1', 2, 6], ['bias1', 6], ['recurrentBias1', 2],
      ['weight1Reverse', 4, 6], ['recurrentWeight1Reverse', 2, 6], ['bias1Reverse', 6], ['recurrentBias1Reverse', 2],
    ]); // prettier-ignore
    assert.deepEqual(shapes(new GRU(2, { resetAfter: false })), [['weight0', 3, 6], ['recurrentWeight0', 2, 6], ['bias0', 6]]); // prettier-ignore
  });

  it('start within ±1/√H', () => {
    for (const [, { data }] of new RNN(64).build([5, 3]).weights()) {
      const largest = data.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
      assert.ok(largest <= 1 / 8 && largest > 0.9 / 8, `${largest}`);
    }
  });

  for (const make of [() => new RNN(3), () => new LSTM(3), () => new GRU(3)]) {
    const { name } = make().constructor;
    it(`${name} does not see what lies past a row's length`, async () => {
      const [layer, changed] = [make(), array(x.data.slice(), x.shape)];
      for (let n = 0; n < 3; n++) changed.data.fill(NaN, (n * 4 + lengths.data[n]!) * 2, (n + 1) * 8);
      assert.deepEqual(await layer.predict([changed, lengths]), await layer.predict([x, lengths]));
    });
    it(`${name} gives each row what it gives it alone, cut to its length`, async () => {
      const layer = make();
      const together = await layer.predict([x, lengths]);
      const last = make();
      last.setWeights(layer.weights());
      for (let n = 0; n < 3; n++) {
        const length = lengths.data[n]!;
        const alone = await last.predict(array(x.data.slice(n * 8, n * 8 + 2 * length), [1, length, 2]));
        assert.deepEqual(together.data.slice(n * 12, n * 12 + 3 * length), alone.data);
        assert.ok(together.data.slice(n * 12 + 3 * length, (n + 1) * 12).every((y) => y === 0));
      }
    });
    it(`${name} takes sequences longer than those it was built with`, async () => {
      const layer = make().build([4, 2]);
      assert.deepEqual((await layer.predict(sample([2, 9, 2]))).shape, [2, 9, 3]);
      await assert.rejects(layer.predict(sample([2, 4, 3])), {
        name: 'ShapeError',
        message: /expected input of shape \[N, 4, 2\] as the model was built, got \[N, 4, 3\]/,
      });
    });
  }

  it('the last state is the last step of each direction', async () => {
    const options = { bidirectional: true, numLayers: 2 };
    const [all, last] = [new GRU(3, options).build([4, 2]), new GRU(3, { ...options, returnSequences: false })];
    last.setWeights(all.weights());
    const [y, h] = [await all.predict(x), await last.predict(x)];
    assert.deepEqual(h.shape, [3, 6]);
    for (let n = 0; n < 3; n++) {
      assert.deepEqual(h.data.slice(n * 6, n * 6 + 3), y.data.slice((n * 4 + 3) * 6, (n * 4 + 3) * 6 + 3));
      assert.deepEqual(h.data.slice(n * 6 + 3, n * 6 + 6), y.data.slice(n * 24 + 3, n * 24 + 6));
    }
  });

  it('a loop over a cell gives what the layer gives', async () => {
    const pairs: readonly (readonly [Layer, Loop])[] = [
      [new LSTM(3), new Loop(new LSTMCell(3))],
      [new GRU(3), new Loop(new GRUCell(3))],
      [new GRU(3, { resetAfter: false }), new Loop(new GRUCell(3, { resetAfter: false }))],
      [new RNN(3, { nonlinearity: 'relu' }), new Loop(new RNNCell(3, { nonlinearity: 'relu' }))],
    ];
    for (const [layer, loop] of pairs) {
      layer.build([4, 2]);
      loop.setWeights(new Map([...layer.weights()].map(([name, value]) => [`cell.${name.slice(0, -1)}`, value])));
      assert.deepEqual((await loop.predict(x)).data, (await layer.predict(x)).data);
    }
  });

  it('LastStep, MeanOverTime and MaxOverTime leave padding out', async () => {
    const values = array([[[1], [2], [4], [8]], [[1], [3], [5], [7]]]); // prettier-ignore
    const two = array(Int32Array.of(2, 4));
    assert.deepEqual([...(await new LastStep().predict([values, two])).data], [2, 7]);
    assert.deepEqual([...(await new LastStep().predict(values)).data], [8, 7]);
    assert.deepEqual([...(await new MeanOverTime().predict([values, two])).data], [1.5, 4]);
    assert.deepEqual([...(await new MeanOverTime().predict(values)).data], [3.75, 4]);
    assert.deepEqual([...(await new MaxOverTime().predict([values, two])).data], [2, 7]);
    assert.deepEqual([...(await new MaxOverTime().predict(values)).data], [8, 7]);
    const below = array(values.data.map((value) => -value), values.shape); // prettier-ignore
    assert.deepEqual([...(await new MaxOverTime().predict([below, two])).data], [-1, -1]);
  });

  it('Linear is distributed over time: every step by itself', () => {
    const [w, b] = [sample([2, 3], 3), sample([3], 4)];
    const { y } = runLayer(new Linear(3), x, new Map([['weight', w], ['bias', b]]), sample([3, 4, 3])); // prettier-ignore
    const flat = runLayer(new Linear(3), array(x.data, [12, 2]), new Map([['weight', w], ['bias', b]]), sample([12, 3])); // prettier-ignore
    assert.deepEqual(y.data, flat.y.data);
  });
});

/** One layer around another, to see the path in messages. */
const within = (layer: Layer): Layer => new Sequential({ encoder: layer });

describe('errors of recurrent layers', () => {
  const wrongOptions: readonly (readonly [() => unknown, string])[] = [
    [() => new RNN(0), 'RNN: expected a whole number ≥ 1 for hiddenSize, got 0.'],
    // @ts-expect-error no such choice
    [() => new RNN(2, { nonlinearity: 'sigmoid' }), "RNN: expected 'tanh' or 'relu' for nonlinearity, got 'sigmoid'."],
    [() => new LSTM(2.5), 'LSTM: expected a whole number ≥ 1 for hiddenSize, got 2.5.'],
    [() => new LSTM(2, { dropout: 1 }), 'LSTM: expected a number in [0, 1) for dropout, got 1.'],
    [
      () => new LSTM(2, { dropout: 0.5 }),
      'LSTM: expected numLayers ≥ 2 with dropout, got 1. It lies between the layers: leave it out, or put a Dropout layer behind.',
    ],
    [() => new GRU(2, { numLayers: 0 }), 'GRU: expected a whole number ≥ 1 for numLayers, got 0.'],
    // @ts-expect-error of the wrong kind
    [() => new GRU(2, { resetAfter: 1 }), 'GRU: expected true or false for resetAfter, got 1.'],
    [() => new RNNCell(-1), 'RNNCell: expected a whole number ≥ 1 for hiddenSize, got -1.'],
    [() => new LSTMCell(0), 'LSTMCell: expected a whole number ≥ 1 for hiddenSize, got 0.'],
    [() => new GRUCell(0), 'GRUCell: expected a whole number ≥ 1 for hiddenSize, got 0.'],
  ];
  for (const [make, message] of wrongOptions) it(message, () => assert.throws(make, { name: 'OptionError', message }));

  const wrongShapes: readonly (readonly [Layer, readonly number[], string])[] = [
    [
      within(new LSTM(2)),
      [2, 3],
      'LSTM "encoder": expected x of rank 3 [N, T, I], got [1, 3]. Numbers of one feature need a last dimension of 1, ids an embedding.',
    ],
    [within(new GRU(2)), [2, 0, 3], 'GRU "encoder": expected at least one step and one feature in x [N, T, I], got [1, 0, 3].'],
    [within(new RNN(2)), [2, 3, 0], 'RNN "encoder": expected at least one step and one feature in x [N, T, I], got [1, 3, 0].'],
    [within(new LastStep()), [2, 0, 3], 'LastStep "encoder": expected at least one step and one feature in x [N, T, I], got [1, 0, 3].'],
    [
      within(new RNNCell(2)),
      [2, 3, 4],
      'RNNCell "encoder": expected x [N, I] with I ≥ 1, got [1, 3, 4]. Give one step of a sequence at a time.',
    ],
  ];
  for (const [layer, shape, message] of wrongShapes) {
    it(message, () => assert.throws(() => layer.build(shape.slice(1)), { name: 'ShapeError', message }));
  }

  const outOfRange: readonly (readonly [Layer<never>, readonly number[], string])[] = [
    [new LSTM(2), [2, 5, 1], 'LSTM: lengths: expected 1 … 4, got 5 at position 1 in step 0.'],
    [new GRU(2), [0, 4, 1], 'GRU: lengths: expected 1 … 4 (leave empty rows out), got 0 at position 0 in step 0.'],
    [new Masked(new RNN(2)), [1, 4, -3], 'RNN "body": lengths: expected 1 … 4, got -3 at position 2 in step 0.'],
    [new LastStep(), [2, 5, 1], 'LastStep: lengths: expected 1 … 4, got 5 at position 1 in step 0.'],
    [new MaxOverTime(), [2, 2, 0], 'MaxOverTime: lengths: expected 1 … 4 (leave empty rows out), got 0 at position 2 in step 0.'],
    [new MeanOverTime(), [2, 2, 0], 'MeanOverTime: lengths: expected 1 … 4 (leave empty rows out), got 0 at position 2 in step 0.'],
  ];
  for (const [layer, values, message] of outOfRange) {
    it(message, () => assert.rejects(layer.predict([x, array(Int32Array.from(values))]), { name: 'DataError', message }));
  }
  for (const layer of [new LSTM(2), new GRU(2), new RNN(2), new LastStep(), new MeanOverTime(), new MaxOverTime()]) {
    const name = layer.constructor.name;
    it(`${name} of three inputs`, () =>
      assert.rejects(layer.predict([x, lengths, x]), {
        name: 'ShapeError',
        message: `${name}: expected x, or x and lengths, got 3 inputs.`,
      }));
  }
  it('lengths that are no int32', () =>
    assert.rejects(new LSTM(2).predict([x, array([1, 2, 3])]), {
      name: 'DTypeError',
      message: "LSTM: expected int32 for lengths, got float32. Make them an Int32Array, or cast(lengths, 'int32') where they are no input.",
    }));
  it('lengths of another shape', () =>
    assert.rejects(new LSTM(2).predict([x, array(Int32Array.of(1, 2, 3), [3, 1])]), {
      name: 'ShapeError',
      message: 'LSTM: expected lengths of shape [3], one a row of x, got [3, 1].',
    }));

  class Given extends Layer<[Tensor, Tensor]> {
    constructor(readonly use: (x: Tensor, state: Tensor, scope: Scope) => Tensor) {
      super();
    }
    forward(x: Tensor, state: Tensor, scope: Scope): Tensor {
      return this.use(x, state, scope);
    }
  }
  const [lstm, gru, cell] = [new LSTM(2, { numLayers: 2 }), new GRU(2), new LSTMCell(2)];
  const wrongStates: readonly (readonly [Given, readonly number[], string, string])[] = [
    [
      new Given((x, h, scope) => scope.enter('body', gru, (inner) => gru.apply(x, { h }, inner)).y),
      [1, 3],
      'ShapeError',
      'GRU "body": expected h of shape [1, 1, 2] [N, layers · directions, H], got [1, 1, 3].',
    ],
    [
      new Given((x, c, scope) => scope.enter('body', lstm, (inner) => lstm.apply(x, { h: c, c }, inner)).y),
      [1, 2],
      'ShapeError',
      'LSTM "body": expected h of shape [1, 2, 2] [N, layers · directions, H], got [1, 1, 2].',
    ],
    [
      new Given((x, h, scope) => scope.enter('body', lstm, (inner) => lstm.apply(x, { h }, inner)).y),
      [2, 2],
      'StateError',
      'LSTM "body": expected a state of h and c, got h alone. Give c too.',
    ],
    [
      new Given(
        (x, c, scope) =>
          scope.enter('body', cell, (inner) =>
            cell.apply(
              matmul(
                reshape(x, [1, 8]),
                scope.parameter('w', [8, 2], (s) => new Float32Array(s[0]! * s[1]!)),
              ),
              { h: c, c },
              inner,
            ),
          ).h,
      ),
      [3],
      'ShapeError',
      'LSTMCell "body": expected h of shape [1, 2] [N, H], got [1, 3].',
    ],
  ];
  for (const [layer, state, name, message] of wrongStates) {
    it(message, () => assert.throws(() => layer.build([[4, 2], state]), { name, message }));
  }
});

/** A layer whose slope at its input costs something. */
class Smooth extends Layer {
  constructor(readonly body: RNN | LSTM | GRU) {
    super();
  }
  forward(x: Tensor, scope: Scope): Tensor {
    const y = scope.call('body', this.body, x);
    scope.addLoss(mean(square(gradients(sum(y), [x])[0]!)));
    return y;
  }
}

describe('a gradient penalty', () => {
  for (const [body, operation] of [
    [new RNN(2), 'elman'],
    [new LSTM(2), 'lstm'],
    [new GRU(2), 'gru'],
  ] as const) {
    const name = body.constructor.name;
    it(`through ${name} is refused by its name`, async () => {
      const trainer = new Trainer(new Sequential({ critic: new Smooth(body) }), { loss: new MSELoss(), optimizer: new SGD() });
      await assert.rejects(trainer.fit({ x, y: sample([3, 4, 2]) }), {
        name: 'StateError',
        message: `${name} "critic.body": expected a first derivative, got the second derivative of ${operation}, which is not there. Unroll it with operations of your own, or leave it out of the penalty.`,
      });
    });
  }
});
