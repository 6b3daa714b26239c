/** First values of recurrent layers and cells by initializers of one's own. */
import assert from 'node:assert/strict';
import { type Initializer, filled, orthogonal, zeros } from '../../lib/init.js';
import { GRU, GRUCell, LSTM, LSTMCell, type Layer, RNN, RNNCell, type RecurrentInits } from '../../lib/layers/index.js';

const h = 3;
const forgetBias: Initializer = ([width = 0]) => new Float32Array(width).fill(1, h, 2 * h);
const inits: RecurrentInits = { weightInit: filled(2), recurrentInit: orthogonal(), biasInit: zeros() };
const valuesOf = (layer: Layer, sizes: readonly number[]): Map<string, readonly number[]> =>
  new Map([...layer.build(sizes).weights()].map(([path, { data }]) => [path, [...data]]));

describe('first values of a recurrent layer', () => {
  const layers: readonly (readonly [Layer, readonly number[]])[] = [
    [new RNN(h, { ...inits, numLayers: 2, bidirectional: true }), [4, 5]],
    [new GRU(h, inits), [4, 5]],
    [new LSTM(h, inits), [4, 5]],
    [new RNNCell(h, inits), [5]],
    [new GRUCell(h, inits), [5]],
    [new LSTMCell(h, inits), [5]],
  ];
  for (const [layer, sizes] of layers)
    it(`are those of its options: ${layer.constructor.name}`, () => {
      const values = valuesOf(layer, sizes);
      for (const [path, numbers] of values) {
        if (path.startsWith('weight')) assert.ok(numbers.every((w) => w === 2), path); // prettier-ignore
        if (path.includes('ias')) assert.ok(numbers.every((b) => b === 0), path); // prettier-ignore
        if (!path.startsWith('recurrentWeight')) continue;
        const width = numbers.length / h;
        const product = (i: number, j: number): number => {
          const row = (at: number): readonly number[] => numbers.slice(at * width, (at + 1) * width);
          return row(i).reduce((sum, u, k) => sum + u * row(j)[k]!, 0);
        };
        // Rows of rounded elements.
        for (let i = 0; i < h; i++)
          for (let j = 0; j < h; j++) assert.ok(Math.abs(product(i, j) - (i === j ? 1 : 0)) <= width * 2 ** -23, path);
      }
    });

  it('has the forget gate second in an LSTM', () =>
    assert.deepEqual(valuesOf(new LSTM(h, { biasInit: forgetBias }), [4, 5]).get('bias0'), [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])); // prettier-ignore

  it('are within 1/√H by default', () => {
    for (const numbers of valuesOf(new LSTM(h), [4, 5]).values())
      assert.ok(numbers.every((w) => Math.abs(w) <= 1 / Math.sqrt(h)) && numbers.some((w) => w !== 0)); // prettier-ignore
  });

  it('want functions', () => {
    // @ts-expect-error no initializer
    assert.throws(() => new GRU(h, { biasInit: 0 }), { name: 'OptionError', message: 'GRU: expected a function for biasInit, got 0.' });
    // @ts-expect-error no initializer
    assert.throws(() => new LSTMCell(h, { weightInit: 'orthogonal' }), /LSTMCell: expected a function for weightInit, got 'orthogonal'\./);
  });
});
