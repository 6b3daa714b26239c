/** What one step alone does not tell: a stream looks at two of them too. */
import assert from 'node:assert/strict';
import type { Tensor } from '../../lib/graph/tensor.js';
import { normal } from '../../lib/init.js';
import {
  Conv1d,
  GRU,
  GRUCell,
  GroupNorm,
  type Layer,
  Linear,
  MeanOverTime,
  PositionEmbedding,
  type Scope,
} from '../../lib/layers/index.js';
import { add, broadcastTo, concat, full, mul, reshape, slice, stack, unstack } from '../../lib/ops/index.js';
import { sample } from '../support/check-op.js';
import { Of, Plain, assertStreams, beside } from '../support/states.js';

const row = (): ReturnType<typeof sample> => sample([2, 3], 4);
/** A row [N, 3] at each step of x. */
const repeated = (x: Tensor, given: Tensor): Tensor => broadcastTo(reshape(given, [x.shape[0]!, 1, 3]), x.shape);

describe('what is the same in every step of a stream', () => {
  const layers: readonly (readonly [string, Layer])[] = [
    ['GRU', new GRU(3)],
    ['causal Conv1d', new Conv1d(3, 2, { padding: 'causal' })],
    ['PositionEmbedding', new PositionEmbedding(9)],
    ['Linear', new Linear(3)],
  ];
  for (const [name, layer] of layers) {
    it(`goes along where it is given and repeated: ${name}`, () =>
      assertStreams(new Of((x, given, scope) => add(x, scope.call('layer', layer, repeated(x, given)))), [row(), sample([2, 3], 5)], 1e-6));
    it(`goes along where it is made of nothing: ${name}`, () =>
      assertStreams(new Of((x, _given, scope) => add(x, scope.call('layer', layer, full(x.shape, 1)))), [row()], 1e-6));
  }

  it('goes along in streams of other rows than those that were compared', () => {
    const gru = new GRU(3);
    const model = new Of((x, given, scope) => add(x, scope.call('gru', gru, repeated(x, given))));
    model.build([[6, 3], [3]]).stream({ given: [sample([1, 3], 4)] }); // prettier-ignore
    return assertStreams(model, [row(), sample([2, 3], 5)], 1e-6);
  });

  it('goes along in a layer that is entered, from a state that is given', () => {
    const [gru, out] = [new GRU(3), new Linear(3)];
    const model = new Of((x, given, scope) => {
      const h = reshape(given, [x.shape[0]!, 1, 3]);
      const { y } = scope.enter('gru', gru, (inner) => gru.apply(repeated(x, given), { h }, inner));
      return add(x, scope.call('out', out, y));
    });
    return assertStreams(model, [row(), sample([2, 3], 5)], 1e-6);
  });

  it('goes along in a cell that is called for each step', () => {
    const cell = new GRUCell(3);
    const model = new Of((x, given, scope) => {
      let h = given;
      return stack(unstack(x, 1).map((t) => add(t, (h = scope.call('cell', cell, given, h)))), 1); // prettier-ignore
    });
    return assertStreams(model, [row(), sample([2, 3], 5)], 1e-6);
  });

  it('does not where it is a sequence of its own', () => {
    const gru = new GRU(3, { bidirectional: true, returnSequences: false });
    const model = new Of((x, _given, scope) => {
      const prompt = scope.parameter('prompt', [4, 2], normal(0, 1));
      const read = scope.call('gru', gru, broadcastTo(reshape(prompt, [1, 4, 2]), [x.shape[0]!, 4, 2]));
      return beside(x, slice(read, [0, 0], [-1, 3]));
    });
    return assertStreams(model, [row()], 1e-6);
  });
});

describe('a stream refuses', () => {
  /** [N, T, 3] as three steps of each step. */
  const within = (x: Tensor): Tensor => reshape(x, [x.shape[0]! * x.shape[1]!, 3, 1]);
  const [gru, cell, anew, shared] = [new GRU(3), new GRUCell(3), new GRU(3), new GroupNorm(1)];
  const refused: readonly (readonly [string, (x: Tensor, scope: Scope) => Tensor, RegExp])[] = [
    [
      'sequences within a step that go on',
      (x, scope) => reshape(scope.enter('gru', gru, (inner) => gru.apply(within(x), {}, inner)).h, x.shape),
      /^Of\.stream: expected states of one shape however many steps there are, got "gru\.h0" \[2, 3\] for one step and \[4, 3\] for two\. Call a layer over sequences within a step through scope\.apart\(\)\.$/,
    ],
    [
      'a state that is changed from step to step',
      (x, scope) => {
        let h: Tensor | undefined;
        return stack(unstack(x, 1).map((t) => (h = h === undefined ? scope.call('cell', cell, t) : scope.call('cell', cell, t, mul(h, 2)))), 1); // prettier-ignore
      },
      /^GRUCell "cell": scope\.state: expected one use of a layer where its state is carried, or calls that pass it on as it is/,
    ],
    [
      'calls for each step that all begin anew',
      (x, scope) =>
        concat(
          unstack(x, 1).map((t) => scope.call('anew', anew, add(mul(reshape(t, [-1, 1, 3]), 0), 1))),
          1,
        ),
      /^GRU "anew": scope\.state: expected one use/,
    ],
    [
      'an average over what is repeated',
      (x, scope) => beside(x, scope.call('mean', new MeanOverTime(), full(x.shape, 1))),
      /MeanOverTime "mean", which looks along the sequence/,
    ],
    [
      'a look along the sequence by a layer that is also called for what is the same',
      (x, scope) => beside(scope.call('norm', shared, x), scope.call('norm', shared, full([x.shape[0]!, 3], 1))),
      /GroupNorm "norm", which looks along the sequence/,
    ],
  ];
  for (const [name, body, message] of refused) {
    it(name, () => {
      const model = new Of((x, _given, scope) => body(x, scope)).build([[6, 3], [3]]);
      assert.throws(() => model.stream({ rows: 2, given: [row()] }), { name: 'StateError', message });
      assert.throws(() => new Plain(body).build([6, 3]).stream({ rows: 2 }), { name: 'StateError' });
    });
  }
});
