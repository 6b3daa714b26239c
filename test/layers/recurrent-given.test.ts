/** What recurrent layers say of states they cannot take. */
import assert from 'node:assert/strict';
import type { Tensor } from '../../lib/graph/tensor.js';
import { GRU, LSTM, LSTMCell, RNN, type Scope } from '../../lib/layers/index.js';
import { cast, full, slice } from '../../lib/ops/index.js';
import { sample } from '../support/check-op.js';
import { Plain } from '../support/states.js';

const layers = { GRU: new GRU(3), LSTM: new LSTM(3), RNN: new RNN(3), LSTMCell: new LSTMCell(3) };
type Name = keyof typeof layers;
/** As a caller without types may call it. */
type Apply = (...args: unknown[]) => { readonly h: Tensor };

const predict = (name: Name, argsOf: (x: Tensor, scope: Scope) => readonly unknown[]): unknown =>
  new Plain((x, scope) => {
    const layer = layers[name];
    return scope.enter('inner', layer, (inner) => ({ h: (layer.apply as Apply).call(layer, ...argsOf(x, inner)).h })).h;
  }).predictSync(sample([2, 4, 3]));
const zeros = (x: Tensor): Tensor => full([x.shape[0]!, 1, 3], 0);

describe('the state a recurrent layer is given', () => {
  const noScope = "expected a scope as the last argument, got undefined. Call it by scope.call('body', this.body, x).";
  const wrong: readonly (readonly [Name, (x: Tensor, scope: Scope) => readonly unknown[], string, string])[] = [
    ['GRU', (x, s) => [x, { length: x }, s], 'OptionError', 'expected options among lengths, h, got length.'],
    ['LSTM', (x, s) => [x, { hh: zeros(x) }, s], 'OptionError', 'expected options among lengths, h, c, got hh.'],
    ['GRU', (x, s) => [x, { h: zeros(x), c: zeros(x) }, s], 'OptionError', 'expected options among lengths, h, got c.'],
    ['LSTMCell', (x, s) => [slice(x, [0, 0, 0], [2, 1, 3]), { hh: x }, s], 'OptionError', 'expected options among h, c, got hh.'],
    ['RNN', (x, s) => [x, undefined, s], 'OptionError', 'expected an object of options { lengths, h }, got undefined.'],
    ['GRU', (x, s) => [x, { h: 0 }, s], 'OptionError', 'expected a tensor for h, got 0.'],
    ['GRU', (x, s) => [x, { h: null }, s], 'OptionError', 'expected a tensor for h, got null.'],
    ['GRU', (x, s) => [x, { h: cast(zeros(x), 'int32') }, s], 'DTypeError', "expected float32 for h, got int32. Use cast(h, 'float32')."],
    [
      'GRU',
      (_x, s) => [5, {}, s],
      'DTypeError',
      'expected a tensor for x, got number. Data come in as arguments of forward or of a compiled function, or by constant().',
    ],
    ['GRU', (x) => [x, {}], 'StateError', noScope],
    ['LSTM', (x, s) => [x, s], 'StateError', noScope],
  ];
  for (const [layer, argsOf, name, text] of wrong)
    it(`${layer}: ${text}`, () => assert.throws(() => predict(layer, argsOf), { name, message: `${layer} "inner": ${text}` }));

  it('may be left out by its parts', () => assert.ok(predict('LSTM', (x, s) => [x, { h: undefined, c: undefined }, s])));

  it('scope.enter wants to know what to compute', () => {
    // @ts-expect-error no body
    const enter = (scope: Scope): Tensor => scope.enter('gru', layers.GRU).h as Tensor;
    assert.throws(() => new Plain((_x, scope) => enter(scope)).predictSync(sample([2, 4, 3])), {
      name: 'OptionError',
      message:
        'Plain: scope.enter: expected a function for "gru", got undefined. Give what GRU is to compute: (inner) => this.layer.apply(x, {}, inner).',
    });
  });
});
