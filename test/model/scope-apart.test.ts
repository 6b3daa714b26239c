/** Sequences within a step: scope.apart() begins them anew in each. */
import assert from 'node:assert/strict';
import type { Tensor } from '../../lib/graph/tensor.js';
import { zeros } from '../../lib/init.js';
import {
  Conv1d,
  GRU,
  GRUCell,
  LSTM,
  type Layer,
  MaxOverTime,
  MultiHeadAttention,
  PositionEmbedding,
  type Scope,
  Sequential,
} from '../../lib/layers/index.js';
import { add, broadcastTo, concat, full, reshape, unstack } from '../../lib/ops/index.js';
import { type Decoder, Of, Plain, assertCarries, assertStreams } from '../support/states.js';
import { sample } from '../support/check-op.js';

/** Words [N, T, 3] as three characters of one feature each, and what they are made to, [N, T, H]. */
const ofWords = (characters: (x: Tensor, scope: Scope) => Tensor): ((x: Tensor, scope: Scope) => Tensor) => {
  const words = new GRU(4);
  return (x, scope) => {
    const [n, t] = x.shape as [number, number];
    return scope.call('words', words, reshape(characters(reshape(x, [n * t, 3, 1]), scope), [n, t, -1]));
  };
};

const readers: readonly (readonly [string, Layer])[] = [
  ['GRU', new GRU(3, { returnSequences: false })],
  ['LSTM, stacked, in both directions', new LSTM(3, { numLayers: 2, bidirectional: true, returnSequences: false })],
  ['causal Conv1d and pooling', new Sequential([new Conv1d(3, 2, { padding: 'causal' }), new MaxOverTime()])],
  ['attention with places', new Sequential([new Conv1d(2, 1), new PositionEmbedding(3), new MultiHeadAttention(2), new MaxOverTime()])],
];
/** The ways to it: around one call, in a layer that is entered, and in one that calls others. */
const entered = new GRU(3, { bidirectional: true });
const cell = new GRUCell(3);
const ways: readonly (readonly [string, (x: Tensor, scope: Scope) => Tensor])[] = [
  ...readers.map(([name, reader]) => [name, (x: Tensor, scope: Scope) => scope.apart().call('reader', reader, x)] as const),
  ['apply', (x, scope) => scope.enter('reader', entered, (inner) => entered.apply(x, {}, inner.apart())).h],
  ['apply along x', (x, scope) => scope.enter('reader', entered, (inner) => entered.apply(x, {}, inner.apart().along(x))).h],
  ['a loop from zeros', (x, scope) => unstack(x, 1).reduce((h, t) => scope.apart().call('cell', cell, t, h), full([x.shape[0]!, 3], 0))],
];

describe('scope.apart', () => {
  for (const [name, characters] of ways) {
    it(`begins anew in each step: ${name}`, async () => {
      const body = ofWords(characters);
      const model: Decoder = new Of((x, _given, scope) => body(x, scope));
      await assertStreams(model, [sample([2, 3], 4)], 1e-6);
      assert.deepEqual([...model.stream({ given: [sample([1, 3])] }).state().keys()], ['words.h0']); // prettier-ignore
      await assertCarries(new Plain(ofWords(characters)));
    });
  }

  it('reads a whole sequence in each batch: an encoder in the model', async () => {
    const [encoder, decoder] = [new LSTM(2, { bidirectional: true, returnSequences: false }), new GRU(4)];
    const model = new Of((x, source, scope) => {
      const read = scope.apart().call('encoder', encoder, source);
      return scope.call('decoder', decoder, concat([x, broadcastTo(reshape(read, [-1, 1, 4]), [...x.shape.slice(0, 2), 4])], 2));
    });
    const sources = [sample([2, 5, 3], 6), sample([2, 5, 3], 7)];
    await assertCarries(model, sources.slice(0, 1));
    await assertStreams(model, sources, 1e-6);
  });

  it('shares all else with the scope', () => {
    const model = new Plain((x, scope) => {
      const here = scope.parameter('bias', [3], zeros());
      return add(add(x, here), scope.apart().parameter('bias', [3], zeros()));
    });
    assert.throws(() => model.build([6, 3]), { name: 'StateError', message: /"bias": expected a name of its own/ });
  });

  it('names the way to it where both directions are refused', () => {
    const model = new Plain(ofWords((x, scope) => scope.call('reader', entered, x)));
    assert.throws(() => model.build([6, 3]).stream(), {
      name: 'StateError',
      message: /^GRU "reader": expected one direction .* Sequences within a step, which begin anew in each, go through scope\.apart\(\)\.$/,
    });
  });
});
