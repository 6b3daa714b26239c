import assert from 'node:assert/strict';
import {
  Adam,
  BatchNorm,
  Conv2d,
  CrossEntropyLoss,
  GELU,
  GroupNorm,
  LSTM,
  Linear,
  MaxPool2d,
  MultiHeadAttention,
  ReLU,
  SGD,
  Trainer,
  accuracy,
  exponentialDecay,
  precision,
} from '../lib/index.js';
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

/** The habits of users of other libraries, and what they are told to do. */
describe('habits', () => {
  const inferred = 'Sizes of inputs are inferred from the data: leave them out.';
  const adam = new Adam();
  const wrong: readonly (readonly [string, () => unknown, string])[] = [
    ['new Linear(784, 10)', () => new Linear(784, 10 as never), inferred],
    ['new Conv2d(3, 16, 3)', () => new Conv2d(3, 16, 3 as never), inferred],
    ['new LSTM(28, 128)', () => new LSTM(28, 128 as never), inferred],
    ['new BatchNorm(32)', () => new BatchNorm(32 as never), inferred],
    ['new GroupNorm(4, 32)', () => new GroupNorm(4, 32 as never), inferred],
    ['new MultiHeadAttention(64, 8)', () => new MultiHeadAttention(64, 8 as never), inferred],
    ['new MaxPool2d(2, 2)', () => new MaxPool2d(2, 2 as never), 'Name it: { stride: 2 }.'],
    ["new GELU('tanh')", () => new GELU('tanh' as never), "Name it: { approximate: 'tanh' }."],
    ['new Adam(1e-3)', () => new Adam(1e-3 as never), 'Name it: { lr: 0.001 }.'],
    ['new SGD(0.1)', () => new SGD(0.1 as never), 'Name it: { lr: 0.1 }.'],
    ['exponentialDecay(1e-3, 0.9)', () => exponentialDecay(1e-3, 0.9 as never), 'Name it: { gamma: 0.9 }.'],
    ['new CrossEntropyLoss([1, 2])', () => new CrossEntropyLoss([1, 2] as never), 'Name it: { weight: [ 1, 2 ] }.'],
    ['precision(1)', () => precision(1 as never), 'Name it: { positive: 1 }.'],
    [
      'loss: CrossEntropyLoss',
      () => new Trainer(new ReLU(), { loss: CrossEntropyLoss as never, optimizer: adam }),
      'For example new CrossEntropyLoss().',
    ],
    [
      "optimizer: 'adam'",
      () => new Trainer(new ReLU(), { loss: new CrossEntropyLoss(), optimizer: 'adam' as never }),
      'For example new Adam({ lr: 0.001 }).',
    ],
    ...([accuracy, 'accuracy', accuracy()] as const).map(
      (metric) =>
        [
          `metrics: ${show([metric])}`,
          () =>
            new Trainer(new ReLU(), {
              loss: new CrossEntropyLoss(),
              optimizer: adam,
              metrics: (typeof metric === 'object' ? metric : [metric]) as never,
            }),
          'For example [accuracy()].',
        ] as const,
    ),
  ];
  for (const [what, make, advice] of wrong)
    it(what, () => assert.throws(make, ({ name, message }: Error) => name === 'OptionError' && message.endsWith(`. ${advice}`)));
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
