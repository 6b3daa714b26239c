/** States that are given at first: by another layer, by an input, by an earlier call of a cell. */
import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import {
  Conv1d,
  CrossAttention,
  GRU,
  GRUCell,
  LSTM,
  LSTMCell,
  type Layer,
  Linear,
  MeanOverTime,
  MultiHeadAttention,
  PositionEmbedding,
  RNN,
  RNNCell,
  type Scope,
  Sequential,
} from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { add, concat, full, mean, reshape, stack, tanh, unstack } from '../../lib/ops/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';
import { type Decoder, Of, Plain, assertCarries, assertStreams, beside, during, step, x } from '../support/states.js';

const [source, other] = [sample([2, 4, 3], 2), sample([2, 4, 3], 3)];

describe('what is made of given inputs alone', () => {
  const encoders: readonly (readonly [string, Layer])[] = [
    ['GRU', new GRU(3)],
    ['LSTM in both directions', new LSTM(3, { bidirectional: true })],
    ['causal Conv1d', new Conv1d(3, 3, { padding: 'causal' })],
    ['Conv1d that looks both ways', new Conv1d(3, 3, { padding: 'same' })],
    [
      'attention with places',
      new Sequential([new PositionEmbedding(4), new MultiHeadAttention(1), new MultiHeadAttention(3, { causal: true, context: 2 })]),
    ],
  ];
  for (const [name, encoder] of encoders) {
    it(`is encoded anew in each step: ${name}`, async () => {
      const [cross, gru, body] = [new CrossAttention(1), new GRU(3), new Linear(2)];
      const model = new Of((x, source, scope) => {
        const memory = scope.call('encoder', encoder, source);
        return scope.call('body', body, scope.call('cross', cross, scope.call('gru', gru, x), memory));
      });
      await assertStreams(model, [source, other], 1e-5);
      assert.deepEqual(
        [
          ...model
            .stream({ given: [sample([1, 4, 3])] })
            .state()
            .keys(),
        ],
        ['gru.h0'],
      );
    });
  }

  it('may be pooled over its steps, and looped over', async () => {
    const [pool, cell, gru] = [new MeanOverTime(), new GRUCell(3), new GRU(2)];
    const model = new Of((x, source, scope) => {
      let h: Tensor | undefined;
      for (const t of unstack(source, 1)) h = h === undefined ? scope.call('cell', cell, t) : scope.call('cell', cell, t, h);
      return scope.call('gru', gru, beside(beside(x, scope.call('pool', pool, source)), h!));
    });
    await assertStreams(model, [source, other], 0);
  });

  it('goes on where what is fed comes in', async () => {
    const shared = new GRU(3);
    const model = new Of((x, source, scope) => {
      const { h } = scope.enter('shared', shared, (inner) => shared.apply(source, {}, inner));
      return scope.call('shared', shared, beside(x, reshape(h, [h.shape[0]!, 3])));
    });
    await assertStreams(model, [source, other], 0);
  });

  it('may still not be what is fed', () => {
    const gru = new GRU(3, { bidirectional: true });
    const model = new Of((x, source, scope) => scope.call('gru', gru, beside(x, mean(source, { axes: 1 }))));
    model.build([
      [6, 3],
      [4, 3],
    ]);
    assert.throws(() => model.stream({ given: [sample([1, 4, 3])] }), {
      name: 'StateError',
      message: /GRU "gru": expected one direction/,
    });
    const pool = new MeanOverTime();
    const pooled = new Of((x, source, scope) => beside(source, scope.call('pool', pool, x)));
    pooled.build([
      [6, 3],
      [4, 3],
    ]);
    assert.throws(() => pooled.stream({ given: [sample([1, 4, 3])] }), {
      name: 'StateError',
      message: /MeanOverTime "pool", which looks along/,
    });
  });
});

describe('a first state', () => {
  /** Of an encoder, for decoders of one or two layers. */
  const coders: readonly (readonly [string, () => [GRU | RNN | LSTM, GRU | RNN | LSTM]])[] = [
    ['RNN', () => [new RNN(4), new RNN(4)]],
    ['GRU, stacked', () => [new GRU(4, { numLayers: 2 }), new GRU(4, { numLayers: 2 })]],
    ['GRU, of one in both directions', () => [new GRU(4, { bidirectional: true }), new GRU(4, { numLayers: 2 })]],
    ['LSTM, stacked', () => [new LSTM(4, { numLayers: 2 }), new LSTM(4, { numLayers: 2 })]],
  ];
  const decoderOf = ([encoder, decoder]: readonly (GRU | RNN | LSTM)[]): Decoder =>
    new Of((x, source, scope) => {
      const state = scope.enter('encoder', encoder!, (inner) => encoder!.apply(source, {}, inner));
      return scope.enter('decoder', decoder!, (inner) =>
        decoder!.apply(x, { h: state.h, ...('c' in state && { c: state.c as Tensor }) }, inner),
      ).y;
    });
  for (const [name, make] of coders) {
    it(`is that of the first step alone: ${name}`, () => assertStreams(decoderOf(make()), [source, other], 0));
  }

  it('goes along with the others, row by row', () => {
    const model = decoderOf([new GRU(4), new GRU(4)]);
    model.build([
      [6, 3],
      [4, 3],
    ]);
    const stream = model.stream({ rows: 2, given: [source] });
    const first = stream.step(step(x, 0));
    const second = stream.step(step(x, 1));
    const state = stream.state();
    assert.deepEqual([...state].map(([path, { shape }]) => [path, ...shape]), [['decoder.h0', 2, 4], ['decoder.h0.started', 2, 1]]); // prettier-ignore
    for (const { data, shape } of state.values()) data.fill(0, 0, shape[1]);
    stream.setState(state);
    stream.step(step(x, 0));
    stream.setState(new Map([...state].map(([path, { shape }]) => [path, array(new Float32Array(shape[0]! * shape[1]!), shape)])));
    assert.deepEqual(stream.step(step(x, 0)), first);
    assert.deepEqual(stream.step(step(x, 1)), second);
    stream.setState(state);
    assert.deepEqual(stream.step(step(x, 0)).data.slice(0, 4), first.data.slice(0, 4), 'a row of zeros is at its beginning');
  });

  /** Decoders that begin with a row [N, 3]. */
  const [h, c] = [new Linear(4), new Linear(4)];
  const cells: readonly (readonly [string, Layer<never>, (xs: readonly Tensor[], h: Tensor, scope: Scope) => readonly Tensor[]])[] = [
    [
      'GRUCell',
      new GRUCell(4),
      function (this: GRUCell, xs, first, scope) {
        let h = first;
        return xs.map((x) => (h = scope.call('cell', this, x, h)));
      },
    ],
    [
      'LSTMCell',
      new LSTMCell(4),
      function (this: LSTMCell, xs, first, scope) {
        let state: { readonly h: Tensor; readonly c: Tensor } = { h: first, c: scope.call('c', c, first) };
        return xs.map((x) => (state = scope.enter('cell', this, (inner) => this.apply(x, state, inner))).h);
      },
    ],
  ];
  for (const [name, cell, loop] of cells) {
    const model = (): Decoder =>
      new Of((x, given, scope) => stack(loop.call(cell, unstack(x, 1), scope.call('first', h, given), scope), 1));
    it(`begins a loop in a stream: ${name}`, () => assertStreams(model(), [sample([2, 3], 4), sample([2, 3], 5)], 0));
    it(`begins a loop with carryState: ${name}`, () => assertCarries(model(), [sample([2, 3], 4)]));
  }

  it('is used in the first batch alone with carryState', async () => {
    const [linear, gru] = [new Linear(8), new GRU(4, { numLayers: 2 })];
    const model = new Of((x, given, scope) => {
      const first = reshape(scope.call('first', linear, given), [x.shape[0]!, 2, 4]);
      return scope.enter('gru', gru, (inner) => gru.apply(x, { h: first }, inner)).y;
    });
    await assertCarries(model, [sample([2, 3], 4)]);
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0 }) });
    const batch = { x: [during(x, 0, 2), sample([2, 3], 4)], y: sample([2, 2, 4], 9) };
    const take = async (): Promise<number> => (await trainer.step(batch, { carryState: true })).loss;
    const [first, second] = [await take(), await take()];
    assert.notEqual(first, second);
    trainer.resetStates();
    assert.deepEqual([await take(), await take()], [first, second]);
  });
});

describe('a cell in a loop', () => {
  it('leaves the state of its last step', async () => {
    const cell = new GRUCell(4);
    await assertCarries(
      new Plain((x, scope) => {
        let h: Tensor | undefined;
        return stack(unstack(x, 1).map((t) => (h = h === undefined ? scope.call('cell', cell, t) : scope.call('cell', cell, t, h))), 1); // prettier-ignore
      }),
    );
  });

  it('leaves both halves of it', async () => {
    const cell = new LSTMCell(4);
    await assertCarries(
      new Plain((x, scope) => {
        let state: { readonly h?: Tensor; readonly c?: Tensor } = {};
        return stack(unstack(x, 1).map((t) => { const made = scope.enter('cell', cell, (inner) => cell.apply(t, state, inner)); state = made; return made.h; }), 1); // prettier-ignore
      }),
    );
  });

  it('may be a whole layer, piece by piece', async () => {
    const gru = new GRU(4, { numLayers: 2 });
    await assertCarries(
      new Plain((x, scope) => {
        let h: Tensor | undefined;
        const parts = unstack(x, 1).map((t) => {
          const made = scope.enter('gru', gru, (inner) => gru.apply(reshape(t, [t.shape[0]!, 1, 3]), { h }, inner));
          h = made.h;
          return made.y;
        });
        return concat(parts, 1);
      }),
    );
  });

  /** h → h + tanh(h) before each step. */
  const changing = (scope: Scope, x: Tensor, begin: Tensor): { readonly y: Tensor; readonly h: Tensor } => {
    let h = begin;
    const all = unstack(x, 1).map((t) => (h = scope.call('cell', changed, t, add(h, tanh(h)))));
    return { y: stack(all, 1), h };
  };
  const changed = new RNNCell(4);

  it('takes the state that the layer around it keeps, also one that is changed between, with a beginning', async () => {
    const model = new Of((x, given, scope) => {
      const before = scope.state('mine', [x.shape[0]!, 4], given);
      const { y, h } = changing(scope, x, before);
      scope.keep(before, h);
      return y;
    });
    const first = sample([2, 4], 4);
    await assertCarries(model, [first]);
    await assertStreams(model, [first, sample([2, 4], 5)], 0);
    assert.deepEqual(
      [
        ...model
          .stream({ given: [sample([1, 4])] })
          .state()
          .keys(),
      ],
      ['mine', 'mine.started'],
    );
  });

  it('is refused with a state that is changed between, which it does not know', async () => {
    const trainer = new Trainer(new Of((x, given, scope) => changing(scope, x, given).y), { loss: new MSELoss(), optimizer: new SGD() });
    const batch = { x: [x, sample([2, 4], 4)], y: sample([2, 6, 4], 9) };
    await assert.rejects(trainer.step(batch, { carryState: true }), {
      name: 'StateError',
      message: /RNNCell "cell": scope\.state: expected one use of a layer where its state is carried, or calls that pass it on as it is/,
    });
    await trainer.step(batch);
  });

  it('is refused with two states that do not go on from one another', () => {
    const cell = new GRUCell(4);
    const model = new Plain((x, scope) => {
      const [zeros, t] = [full([x.shape[0]!, 4], 0), unstack(x, 1)[0]!];
      return stack([scope.call('cell', cell, t, zeros), scope.call('cell', cell, t, zeros)], 1);
    });
    assert.throws(() => model.build([6, 3]).stream(), {
      name: 'StateError',
      message:
        'GRUCell "cell": scope.state: expected one use of a layer where its state is carried, or calls that pass it on as it is, got "cell.h" twice. Use two layers, or keep a state of your own by scope.state() around the calls.',
    });
  });
});

describe('a state of a layer of one’s own', () => {
  it('may begin with a value', () => {
    const counting = new Plain((x, scope) => {
      const before = scope.state('count', [x.shape[0]!, 1], full([x.shape[0]!, 1], 5));
      scope.keep(before, add(before, 1));
      return beside(x, before);
    });
    const stream = counting.build([1, 1]).stream();
    assert.deepEqual([0, 1, 2].map(() => stream.step(array([[0]])).data[0]), [5, 6, 7]); // prettier-ignore
    stream.reset();
    assert.equal(stream.step(array([[0]])).data[0], 5);
    assert.deepEqual([...counting.predictSync(array([[[0], [1]]])).data], [5, 6]);
  });

  it('refuses a first value of another shape', () => {
    const wrong = new Plain((x, scope) => beside(x, scope.state('count', [x.shape[0]!, 1], full([1, 2], 0))));
    assert.throws(() => wrong.build([3, 1]), {
      name: 'ShapeError',
      message: 'Plain: scope.state: expected a value of shape [1, 1] for the first "count", got [1, 2].',
    });
  });
});
