import assert from 'node:assert/strict';
import { check, checkOptions, nonNegative, show, text } from '../lib/options.js';

describe('a name', () => {
  it('is a text that is not empty', () => {
    assert.equal(check('SaveBest', 'monitor', 'val_loss', text), 'val_loss');
    const message = "SaveBest: expected a name for monitor, got ''.";
    assert.throws(() => check('SaveBest', 'monitor', '', text), { name: 'OptionError', message });
  });
});

describe('options', () => {
  // The habit of PyTorch, whose first argument are the weights.
  const none: readonly (readonly [object, string])[] = [
    [new Map([['weight', 1]]), 'Map'],
    [new Set(), 'Set'],
    [[], 'Array'],
    [[1e-3], 'Array'],
    [new Float32Array(0), 'Float32Array'],
  ];
  for (const [given, got] of none) {
    const message = `Adam: expected an object of options { lr }, got ${got}.`;
    it(`are not ${show(given)}`, () =>
      assert.throws(() => checkOptions<{ lr?: number }>('Adam', given, { lr: nonNegative }), { name: 'OptionError', message }));
  }
});

describe('a value in an error', () => {
  const shown: readonly (readonly [unknown, string])[] = [
    [[1, 2, 3, 4, 5, 6, 7, 8], '[ 1, 2, 3, 4, 5, 6, ... 2 more items ]'],
    [new Float32Array(7), 'Float32Array(7) [ 0, 0, 0, 0, 0, 0, ... 1 more item ]'],
    [{ a: ['x', 'x'], b: [1, 2, 3, 4, 5, 6, 7] }, "{ a: [ 'x', 'x' ], b: [ 1, 2, 3, 4, 5, 6, ... 1 more item ] }"],
    ['two\nlines', "'two\\nlines'"],
    [Math.sin, 'a function'],
  ];
  for (const [value, text] of shown) it(`is one line: ${text}`, () => assert.equal(show(value), text));
});
