import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { elu, full, gelu, leakyRelu, silu, sum } from '../../lib/ops/index.js';
import { gradients } from '../../lib/graph/gradients.js';
import { type Fn, checkForward, checkGradient, sample } from '../support/check-op.js';

const x = sample([3, 5], 1, -2, 2);

describe('activations made of elementwise operations', () => {
  const all: readonly (readonly [string, Fn, (x: number) => number])[] = [
    ['gelu', (x) => gelu(x), (x) => x * 0.5 * (1 + erf(x / Math.SQRT2))],
    ['gelu by tanh', (x) => gelu(x, 'tanh'), (x) => x * 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))],
    ['silu', (x) => silu(x), (x) => x / (1 + Math.exp(-x))],
    ['elu', (x) => elu(x), (x) => (x > 0 ? x : Math.expm1(x))],
    ['elu with alpha', (x) => elu(x, 0.7), (x) => (x > 0 ? x : 0.7 * Math.expm1(x))],
    ['leakyRelu', (x) => leakyRelu(x), (x) => (x > 0 ? x : 0.01 * x)],
    ['leakyRelu with a slope', (x) => leakyRelu(x, 0.3), (x) => (x > 0 ? x : 0.3 * x)],
  ];
  for (const [name, fn, formula] of all) {
    it(`${name}: values`, async () => {
      checkForward(fn, [x], 8);
      const y = await compile(fn)(x);
      // Some eight roundings, of values up to 2.
      y.data.forEach((value, i) => assert.ok(Math.abs(value - formula(x.data[i]!)) <= 8 * 2 ** -23, `${value} at ${x.data[i]}`));
    });
    it(`${name}: first and second gradient`, () => checkGradient(fn, [x], 2));
  }

  it('a large x has a finite gradient of elu', async () => {
    const slope = await compile((t) => gradients(sum(elu(t)), [t])[0]!)(array(Float32Array.of(1000, 1), [2]));
    assert.deepEqual([...slope.data], [1, 1]);
  });

  it('take numbers', () => assert.deepEqual([gelu, silu, elu, leakyRelu].map((fn) => fn(2).shape), [[], [], [], []])); // prettier-ignore

  const t = full([2], 1);
  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    // @ts-expect-error no such approximation
    [() => gelu(t, 'erf'), 'OptionError', "gelu: expected 'none' or 'tanh' for approximate, got 'erf'."],
    [() => elu(t, NaN), 'OptionError', 'elu: expected a finite number for alpha, got NaN.'],
    [() => leakyRelu(t, Infinity), 'OptionError', 'leakyRelu: expected a finite number for negativeSlope, got Infinity.'],
  ];
  for (const [act, name, message] of wrong) it(message, () => assert.throws(act, { name, message }));
});

/** By its series, which has converged for |x| ≤ 2 after forty terms. */
function erf(x: number): number {
  let [term, total] = [x, x];
  for (let n = 1; n < 40; n++) {
    term *= -(x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}
