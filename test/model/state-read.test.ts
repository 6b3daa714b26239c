/** First states that the model reads too, beside the layer they are given to. */
import assert from 'node:assert/strict';
import type { Tensor } from '../../lib/graph/tensor.js';
import { CrossAttention, GRU, GRUCell, LSTMCell, Linear, type Scope } from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { add, concat, reshape, sigmoid, slice, stack, unstack } from '../../lib/ops/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';
import { Of, assertCarries, assertStreams, beside, x } from '../support/states.js';

type Body = (x: Tensor, given: Tensor, scope: Scope) => Tensor;

/** A loop over the steps of x: `next` gives h and what the step gives. */
const loop = (x: Tensor, first: Tensor, next: (t: Tensor, h: Tensor) => { readonly h: Tensor; readonly y: Tensor }): Tensor => {
  let h = first;
  const all = unstack(x, 1).map((t) => {
    const made = next(t, h);
    h = made.h;
    return made.y;
  });
  return stack(all, 1);
};

const [cell, summed, both, gru, att, gate] = [
  new GRUCell(4),
  new GRUCell(4),
  new LSTMCell(4),
  new GRU(4),
  new CrossAttention(1),
  new Linear(4),
];
/** What a state [N, 4] finds in the rows it is asked beside, [N, 1, 4]. */
const found = (h: Tensor, scope: Scope): Tensor =>
  reshape(scope.call('att', att, reshape(h, [h.shape[0]!, 1, 4]), reshape(h, [h.shape[0]!, 1, 4])), [h.shape[0]!, 4]);

describe('a first state that is read before each call', () => {
  const refused: readonly (readonly [string, Body, RegExp])[] = [
    [
      'by attention',
      (x, given, scope) => loop(x, given, (t, h) => { const y = scope.call('cell', cell, concat([t, found(h, scope)], 1), h); return { h: y, y }; }), // prettier-ignore
      /scope\.state: expected a first state that nothing but the layer reads where states go on from step to step, got that of "cell\.h" in CrossAttention "att" \(matmul\) too\. Keep a state of your own by scope\.state\(\) around the calls, and read that\.$/,
    ],
    [
      'in a sum',
      (x, given, scope) => loop(x, given, (t, before) => { const h = scope.call('summed', summed, t, before); return { h, y: add(h, before) }; }), // prettier-ignore
      /got that of "summed\.h" in Of \(add\) too/,
    ],
    [
      'by a layer, one half of it',
      (x, given, scope) => {
        let state: { readonly h: Tensor; readonly c: Tensor } = { h: given, c: given };
        return stack(unstack(x, 1).map((t) => { const fed = concat([t, sigmoid(scope.call('gate', gate, state.c))], 1); state = scope.enter('both', both, (inner) => both.apply(fed, state, inner)); return state.h; }), 1); // prettier-ignore
      },
      /got that of "both\.[hc]" in Linear "gate" \(matmul\) too/,
    ],
    [
      'beside a whole layer, piece by piece',
      (x, given, scope) => {
        let h = reshape(given, [given.shape[0]!, 1, 4]);
        const all = unstack(x, 1).map((t) => {
          const fed = concat([reshape(t, [t.shape[0]!, 1, 3]), h], 2);
          const made = scope.enter('gru', gru, (inner) => gru.apply(fed, { h }, inner));
          h = made.h;
          return made.y;
        });
        return concat(all, 1);
      },
      /got that of "gru\.h0" in GRU "gru" \(concat\) too/,
    ],
  ];
  for (const [name, body, message] of refused) {
    it(`is refused: ${name}`, async () => {
      const model = new Of(body).build([[6, 3], [4]]);
      assert.throws(() => model.stream({ rows: 2, given: [sample([2, 4])] }), { name: 'StateError', message });
      const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD() });
      const batch = { x: [x, sample([2, 4], 4)], y: sample([2, 6, 4], 9) };
      await assert.rejects(trainer.step(batch, { carryState: true }), { name: 'StateError', message });
      await trainer.step(batch);
    });
  }
});

describe('a first state that is read, and means the first', () => {
  const [cell, gru, att, gate, out] = [new GRUCell(4), new GRU(4), new CrossAttention(1), new Linear(4), new Linear(4)];
  const allowed: readonly (readonly [string, Body])[] = [
    [
      'in each step',
      (x, given, scope) => loop(x, given, (t, before) => { const h = scope.call('cell', cell, concat([t, given], 1), before); return { h, y: scope.call('out', out, concat([t, h], 1)) }; }), // prettier-ignore
    ],
    [
      'for all steps',
      (x, given, scope) => {
        const y = loop(x, given, (t, before) => { const h = scope.call('cell', cell, concat([t, given], 1), before); return { h, y: h }; }); // prettier-ignore
        return beside(scope.call('out', out, concat([x, y], 2)), sigmoid(scope.call('gate', gate, given)));
      },
    ],
    [
      'beside a layer over all of them',
      (x, given, scope) =>
        scope.enter('gru', gru, (inner) => gru.apply(beside(x, slice(given, [0, 0], [-1, 3])), { h: reshape(given, [-1, 1, 4]) }, inner)).y,
    ],
    [
      'where the model keeps the state itself',
      (x, given, scope) => {
        const before = scope.state('h', [x.shape[0]!, 4], given);
        let h = before;
        const all = unstack(x, 1).map((t) => {
          const query = reshape(h, [h.shape[0]!, 1, 4]);
          const context = reshape(scope.call('att', att, query, reshape(given, query.shape)), h.shape);
          return (h = scope.call('cell', cell, concat([t, context], 1), h));
        });
        scope.keep(before, h);
        return stack(all, 1);
      },
    ],
  ];
  for (const [name, body] of allowed) {
    it(`goes on: ${name}`, async () => {
      await assertStreams(new Of(body), [sample([2, 4], 4), sample([2, 4], 5)], 1e-6);
      await assertCarries(new Of(body), [sample([2, 4], 4)]);
    });
  }
});
