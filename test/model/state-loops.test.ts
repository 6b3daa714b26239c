/** Layers called again and again in one forward, beside states of the layers around them. */
import assert from 'node:assert/strict';
import type { Tensor } from '../../lib/graph/tensor.js';
import { GRU, GRUCell, LSTMCell, type Layer, Linear, type Scope } from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { add, concat, full, mul, reshape, slice, split, stack, unstack } from '../../lib/ops/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';
import { Of, Plain, assertCarries, assertStreams, x } from '../support/states.js';

describe('a cell in a loop beside a state of the layer around it', () => {
  for (const isGiven of [false, true]) {
    it(`goes on with its last output fed in${isGiven ? ', from zeros that are given' : ''}`, async () => {
      const [cell, out] = [new GRUCell(4), new Linear(4)];
      await assertCarries(
        new Plain((x, scope) => {
          const n = x.shape[0]!;
          const before = scope.state('fed', [n, 4]);
          let y = before;
          let h: Tensor | undefined = isGiven ? full([n, 4], 0) : undefined;
          const all = unstack(x, 1).map((t) => {
            const fed = concat([t, y], 1);
            h = h === undefined ? scope.call('cell', cell, fed) : scope.call('cell', cell, fed, h);
            return (y = scope.call('out', out, h));
          });
          scope.keep(before, y);
          return stack(all, 1);
        }),
      );
    });
  }

  it('goes on behind a running mean', async () => {
    const cell = new GRUCell(4);
    await assertCarries(
      new Plain((x, scope) => {
        const before = scope.state('mean', [x.shape[0]!, 3]);
        let [mean, h]: [Tensor, Tensor | undefined] = [before, undefined];
        const all = unstack(x, 1).map((t) => {
          mean = add(mul(mean, 0.9), mul(t, 0.1));
          const centred = add(t, mul(mean, -1));
          return (h = h === undefined ? scope.call('cell', cell, centred) : scope.call('cell', cell, centred, h));
        });
        scope.keep(before, mean);
        return stack(all, 1);
      }),
    );
  });

  it('goes on where one half of its state is kept around it', async () => {
    const cell = new LSTMCell(4);
    const model = new Of((x, given, scope) => {
      const before = scope.state('h', [x.shape[0]!, 4], given);
      let state: { readonly h: Tensor; readonly c: Tensor } = { h: before, c: full(before.shape, 0) };
      const all = unstack(x, 1).map((t) => (state = scope.enter('cell', cell, (inner) => cell.apply(t, state, inner))).h);
      scope.keep(before, state.h);
      return stack(all, 1);
    });
    await assertCarries(model, [sample([2, 4], 4)]);
    await assertStreams(model, [sample([2, 4], 4)], 0);
  });
});

describe('a state that is passed on otherwise than as it is', () => {
  /** One call for each step, of the state the one before gave after `change`. */
  const cellLoop = (change: (h: Tensor) => Tensor): Layer => {
    const cell = new GRUCell(4);
    return new Plain((x, scope) => {
      let h: Tensor | undefined;
      return stack(unstack(x, 1).map((t) => (h = h === undefined ? scope.call('cell', cell, t) : scope.call('cell', cell, t, change(h)))), 1); // prettier-ignore
    });
  };
  const layerLoop = (change: (h: Tensor) => Tensor): Layer => {
    const gru = new GRU(4, { numLayers: 2 });
    const call = (t: Tensor, h: Tensor | undefined, scope: Scope): { readonly y: Tensor; readonly h: Tensor } =>
      scope.enter('gru', gru, (inner) => gru.apply(reshape(t, [t.shape[0]!, 1, 3]), { h: h && change(h) }, inner));
    return new Plain((x, scope) => {
      let h: Tensor | undefined;
      return concat(unstack(x, 1).map((t) => { const made = call(t, h, scope); h = made.h; return made.y; }), 1); // prettier-ignore
    });
  };
  const halvesSwapped = (): Layer => {
    const cell = new LSTMCell(4);
    return new Plain((x, scope) => {
      let state: { readonly h?: Tensor; readonly c?: Tensor } = {};
      const all = unstack(x, 1).map((t) => {
        const made = scope.enter('cell', cell, (inner) => cell.apply(t, { h: state.c, c: state.h }, inner));
        state = made;
        return made.h;
      });
      return stack(all, 1);
    });
  };
  const columns = (h: Tensor, begin: number, end: number): Tensor => slice(h, [0, begin], [-1, end - begin]);
  const layers = (h: Tensor, ...of: readonly number[]): Tensor => concat(of.map((at) => slice(h, [0, at, 0], [-1, 1, -1])), 1); // prettier-ignore

  const changed: readonly (readonly [string, Layer])[] = [
    ['units rolled', cellLoop((h) => concat([columns(h, 1, 4), columns(h, 0, 1)], 1))],
    ['half of it zeros', cellLoop((h) => concat([columns(h, 0, 2), mul(columns(h, 2, 4), 0)], 1))],
    ['rows and units mixed', cellLoop((h) => concat([slice(h, [1, 0], [-1, -1]), slice(h, [0, 0], [1, -1])], 0))],
    ['layers swapped', layerLoop((h) => layers(h, 1, 0))],
    ['one layer for both', layerLoop((h) => layers(h, 0, 0))],
    ['h and c swapped', halvesSwapped()],
  ];
  for (const [name, model] of changed) {
    it(`is refused: ${name}`, () =>
      assert.rejects(
        new Trainer(model, { loss: new MSELoss(), optimizer: new SGD() }).step({ x, y: sample([2, 6, 4], 9) }, { carryState: true }),
        { name: 'StateError', message: /calls that pass it on as it is/ },
      ));
  }

  const same: readonly (readonly [string, Layer])[] = [
    ['reshaped and back', cellLoop((h) => reshape(reshape(h, [h.shape[0]!, 2, 2]), h.shape))],
    ['joined anew', cellLoop((h) => { const [a, b] = unstack(stack([mul(h, 2), h], 1), 1) as [Tensor, Tensor]; return reshape(stack([b], 1), a.shape); })], // prettier-ignore
    ['split', cellLoop((h) => split(concat([mul(h, 2), h], 1), [h.shape[1]!, h.shape[1]!], 1)[1]!)],
    ['layer by layer', layerLoop((h) => layers(h, 0, 1))],
  ];
  for (const [name, model] of same) it(`is the same: ${name}`, () => assertCarries(model));
});
