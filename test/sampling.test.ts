import assert from 'node:assert/strict';
import { array } from '../lib/array.js';
import { Philox } from '../lib/random.js';
import { type SamplingOptions, sampleLogits } from '../lib/sampling.js';

const logits = [Math.log(0.5), Math.log(0.25), Math.log(0.15), Math.log(0.1)];
const draws = 20_000;

/** How often each token comes, of many draws of one row. */
function shares(row: readonly number[], options: Omit<SamplingOptions, 'random'>): readonly number[] {
  const rows = array(
    Float32Array.from({ length: draws * row.length }, (_, i) => row[i % row.length]!),
    [draws, row.length],
  );
  const counts = row.map(() => 0);
  for (const id of sampleLogits(rows, { random: new Philox(5), ...options })) counts[id]!++;
  return counts.map((n) => n / draws);
}

/** Within five standard deviations of a binomial share. */
function assertShares(actual: readonly number[], expected: readonly number[]): void {
  expected.forEach((p, i) =>
    assert.ok(Math.abs(actual[i]! - p) <= 5 * Math.sqrt((p * (1 - p)) / draws), `token ${i}: expected ${p}, got ${actual[i]}`),
  );
}

describe('sampleLogits', () => {
  const cases: readonly (readonly [string, readonly number[], Omit<SamplingOptions, 'random'>, readonly number[]])[] = [
    ['draws from the softmax', logits, {}, [0.5, 0.25, 0.15, 0.1]],
    ['shifted logits are the same', logits.map((x) => x + 500), {}, [0.5, 0.25, 0.15, 0.1]],
    ['temperature ½ squares probabilities', logits, { temperature: 0.5 }, [0.25, 0.0625, 0.0225, 0.01].map((p) => p / 0.345)],
    ['topK', logits, { topK: 2 }, [2 / 3, 1 / 3, 0, 0]],
    ['topK above the number of classes', logits, { topK: 9 }, [0.5, 0.25, 0.15, 0.1]],
    ['topP', logits, { topP: 0.7 }, [2 / 3, 1 / 3, 0, 0]],
    ['topP keeps at least one', logits, { topP: 0.01 }, [1, 0, 0, 0]],
    ['topP after topK', logits, { topK: 3, topP: 0.8 }, [2 / 3, 1 / 3, 0, 0]],
    ['of equal logits topK keeps the first', [0, 1, 1, 1], { topK: 2 }, [0, 0.5, 0.5, 0]],
    ['−∞ is never drawn', [0, -Infinity, 0, -Infinity], {}, [0.5, 0, 0.5, 0]],
    ['−∞ is never drawn, whatever topK', [0, -Infinity, 0, -Infinity], { topK: 3 }, [0.5, 0, 0.5, 0]],
    ['temperature 0 takes the likeliest', logits.toReversed(), { temperature: 0 }, [0, 0, 0, 1]],
    ['temperature 0 takes the first of equal ones', [1, 3, 3], { temperature: 0 }, [0, 1, 0]],
    ['topP takes no more than it needs', [3, 3], { topP: 0.5 }, [1, 0]],
    ['a tiny temperature does as well', logits.toReversed(), { temperature: 1e-300 }, [0, 0, 0, 1]],
    ['one class', [3], { topP: 0.5 }, [1]],
  ];
  for (const [name, row, options, expected] of cases) it(name, () => assertShares(shares(row, options), expected));

  for (const [topK, topP] of [
    [7, 1],
    [40, 1],
    [40, 0.6],
    [60, 0.9],
  ] as const) {
    it(`topK ${topK} and topP ${topP} of many tokens, some of them equal: by the definition`, () => {
      const row = new Philox(2).normal(60).map((x) => Math.round(4 * x) / 4);
      const sum = (ids: readonly number[]): number => ids.reduce((total, id) => total + Math.exp(row[id]!), 0);
      const likeliest = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, topK);
      const kept = likeliest.filter((_, i) => sum(likeliest.slice(0, i)) < topP * sum(likeliest));
      assertShares(shares([...row], { topK, topP }), [...row].map((x, id) => (kept.includes(id) ? Math.exp(x) / sum(kept) : 0))); // prettier-ignore
    });
  }
  it('is decided by the seed', () => {
    const rows = array(new Float32Array(64 * 9), [64, 9]);
    const draw = (seed: number): Int32Array => sampleLogits(rows, { random: new Philox(seed) });
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
  });
  it('draws one number a row', () => {
    const [together, apart] = [new Philox(3), new Philox(3)];
    sampleLogits(array(new Float32Array(10), [2, 5]), { random: together });
    apart.uniform53(2);
    assert.deepEqual(together.uniform53(4), apart.uniform53(4));
  });

  const random = new Philox(1);
  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [
      // @ts-expect-error missing
      () => sampleLogits(array([1, 2]), {}),
      'OptionError',
      'sampleLogits: expected a source of random numbers such as new Philox(seed) for random, got undefined.',
    ],
    [
      () => sampleLogits(array([1, 2]), { random, temperature: -1 }),
      'OptionError',
      'sampleLogits: expected a number ≥ 0 for temperature, got -1.',
    ],
    [() => sampleLogits(array([1, 2]), { random, topK: 0 }), 'OptionError', 'sampleLogits: expected a whole number ≥ 1 for topK, got 0.'],
    [() => sampleLogits(array([1, 2]), { random, topP: 0 }), 'OptionError', 'sampleLogits: expected a number in (0, 1] for topP, got 0.'],
    [
      // @ts-expect-error no NdArray
      () => sampleLogits([1, 2], { random }),
      'DataError',
      'sampleLogits: expected logits made by array(), got Array. Wrap it: array(data, shape).',
    ],
    [
      () => sampleLogits(array(new Float32Array(0), [2, 0]), { random }),
      'ShapeError',
      'sampleLogits: expected logits [..., C] with C ≥ 1, got [2, 0].',
    ],
    [() => sampleLogits(array([[1, 2], [NaN, 0]]), { random }), 'DataError', 'sampleLogits: expected logits below ∞, got NaN for id 0 in row 1. Look for where training diverged.'], // prettier-ignore
    [
      () => sampleLogits(array([1, Infinity]), { random }),
      'DataError',
      'sampleLogits: expected logits below ∞, got Infinity for id 1 in row 0. Look for where training diverged.',
    ],
    [
      () => sampleLogits(array([-Infinity, -Infinity]), { random }),
      'DataError',
      'sampleLogits: expected a possible token in row 0, got −∞ for all.',
    ],
  ];
  for (const [act, name, message] of wrong) it(message, () => assert.throws(act, { name, message }));
});
