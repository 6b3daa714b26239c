import assert from 'node:assert/strict';
import { inspect, isDeepStrictEqual } from 'node:util';
import { full } from '../../lib/ops/index.js';

// eslint-disable-next-line eqeqeq -- the operator is what is tested
const looselyEqual = (a: unknown, b: unknown): boolean => a == b;

describe('a tensor', () => {
  const x = full([2], 1);
  const text = 'broadcastTo float32[2]';
  const n: number = x as never;
  const t: string = x as never;
  const operators: Readonly<Record<string, () => unknown>> = {
    'x + 1': () => n + 1,
    '1 + x': () => 1 + n,
    'x + x': () => n + n,
    "'x is ' + x": () => 'x is ' + n,
    'x == 1': () => looselyEqual(x, 1),
    'x - 1': () => n - 1,
    '-x': () => -n,
    'x < 1': () => n < 1,
  };
  for (const [name, act] of Object.entries(operators)) {
    it(`refuses ${name}`, () =>
      assert.throws(act, {
        name: 'DTypeError',
        message:
          'Tensor: expected an operation such as add, mul, less or equal, got an operator of JavaScript. Its text, for messages, is String(x).',
      }));
  }

  const texts: Readonly<Record<string, () => string>> = {
    String: () => String(x),
    'a template': () => `${t}`,
    join: () => [x, x].join(),
    inspect: () => inspect(x),
    'a message': () => new Error(t).message,
    'a key': () => Object.keys({ [t]: 1 })[0]!,
  };
  for (const [name, act] of Object.entries(texts)) {
    it(`is a text in ${name}`, () => assert.equal(act(), name === 'join' ? `${text},${text}` : text));
  }

  it('is compared by identity and may be left out', () => {
    assert.ok([x].includes(x) && new Map([[x, 1]]).has(x) && isDeepStrictEqual([x], [x]));
    assert.ok(!looselyEqual(x, null) && !looselyEqual(x, full([2], 1)));
  });
});
