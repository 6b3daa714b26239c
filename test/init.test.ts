import assert from 'node:assert/strict';
import {
  type Initializer,
  filled,
  gain,
  kaimingNormal,
  kaimingUniform,
  normal,
  ones,
  orthogonal,
  uniform,
  xavierNormal,
  xavierUniform,
  zeros,
} from '../lib/init.js';
import { Embedding, array } from '../lib/index.js';
import { Philox, type Random } from '../lib/random.js';

const shape = [256, 128];
const image = [3, 3, 16, 32];

/** Expected mean and deviation, and the kurtosis that tells uniform (1.8) from normal (3). */
const statistics: readonly (readonly [string, Initializer, readonly number[], number, number, number])[] = [
  ['uniform', uniform(-2, 4), shape, 1, 6 / Math.sqrt(12), 1.8],
  ['normal', normal(2, 3), shape, 2, 3, 3],
  ['kaimingUniform', kaimingUniform(), shape, 0, Math.sqrt(2 / 256), 1.8],
  ['kaimingUniform a = √5', kaimingUniform({ a: Math.sqrt(5) }), shape, 0, 1 / Math.sqrt(3 * 256), 1.8],
  ['kaimingUniform fanOut', kaimingUniform({ mode: 'fanOut' }), shape, 0, Math.sqrt(2 / 128), 1.8],
  ['kaimingNormal', kaimingNormal({ nonlinearity: 'relu' }), shape, 0, Math.sqrt(2 / 256), 3],
  ['kaimingNormal for tanh', kaimingNormal({ nonlinearity: 'tanh' }), shape, 0, 5 / 3 / 16, 3],
  ['kaimingNormal of a convolution', kaimingNormal(), image, 0, Math.sqrt(2 / 144), 3],
  ['kaimingNormal of a convolution, fanOut', kaimingNormal({ mode: 'fanOut' }), image, 0, Math.sqrt(2 / 288), 3],
  ['xavierUniform', xavierUniform({ gain: 2 }), shape, 0, 2 * Math.sqrt(2 / 384), 1.8],
  ['xavierNormal', xavierNormal(), shape, 0, Math.sqrt(2 / 384), 3],
];

const meanOf = (values: ArrayLike<number>, f: (x: number) => number): number =>
  Array.from(values, f).reduce((a, b) => a + b, 0) / values.length;

describe('initialisers', () => {
  for (const [name, init] of [...statistics, ['orthogonal', orthogonal()] as const]) {
    it(`${name} gives the same in pieces, and draws from any source of numbers`, () => {
      const size = [300, 256];
      const values = init(size, new Philox(3));
      const pieces = init.inPieces!(size, new Philox(3));
      let next = pieces.next();
      let count = 1;
      for (; next.done !== true; count++) next = pieces.next();
      assert.deepEqual(next.value, values);
      assert.ok(count > 2, `${count} pieces`);
      const philox = new Philox(3);
      const other: Random = {
        uniform: (n, low, high) => philox.uniform(n, low, high),
        uniform53: (n) => philox.uniform53(n),
        normal: (n, mean, deviation) => philox.normal(n, mean, deviation),
        permutation: (n) => philox.permutation(n),
      };
      assert.deepEqual(init(size, other), values);
    });
  }
  it('orthogonal stops after each pair of vectors: all pairs with one of them may take tens of milliseconds', () => {
    const pieces = orthogonal().inPieces!([40, 30], new Philox(3));
    let count = 1;
    while (pieces.next().done !== true) count++;
    assert.ok(count > (30 * 29) / 2, `${count} pieces`);
  });
  it('of large parameters let the event loop turn', async () => {
    // 3 million normal numbers: a tenth of a second and more, 4 ms of which are had in a turn.
    const model = new Embedding(1e5, 32);
    let turns = 0;
    let pending = true;
    const turn = (): void => {
      turns++;
      if (pending) setImmediate(turn);
    };
    setImmediate(turn);
    await model.predict(array(Int32Array.of(1, 2), [1, 2]));
    pending = false;
    assert.ok(turns >= 10, `${turns} turns`);
    assert.deepEqual(model.weights().get('weight')!.data, normal()([1e5, 32], new Philox(0, 0)));
  });

  for (const [name, init, of, mean, deviation, kurtosis] of statistics) {
    it(name, () => {
      const values = init(of, new Philox(7));
      const n = values.length;
      // Five standard errors of each estimate.
      const m = meanOf(values, (x) => x);
      assert.ok(Math.abs(m - mean) < (5 * deviation) / Math.sqrt(n), `mean ${m}`);
      const variance = meanOf(values, (x) => (x - mean) ** 2);
      assert.ok(Math.abs(variance / deviation ** 2 - 1) < 5 * Math.sqrt((kurtosis - 1) / n), `deviation ${Math.sqrt(variance)}`);
      const k = meanOf(values, (x) => (x - mean) ** 4) / variance ** 2;
      assert.ok(Math.abs(k - kurtosis) < 5 * Math.sqrt(96 / n), `kurtosis ${k}`);
    });
  }
  it('zeros, ones and filled', () => {
    const random = new Philox(1);
    assert.deepEqual(zeros()([2], random), Float32Array.of(0, 0));
    assert.deepEqual(ones()([2], random), Float32Array.of(1, 1));
    assert.deepEqual(filled(0.5)([2, 1], random), Float32Array.of(0.5, 0.5));
  });
  for (const of of [
    [20, 12],
    [12, 20],
    [16, 16],
    [3, 3, 2, 8],
    [2, 2, 1, 9],
    [1, 1],
  ]) {
    it(`orthogonal [${of.join(', ')}]`, () => {
      const values = orthogonal({ gain: 2 })(of, new Philox(3));
      const columns = of.at(-1)!;
      const rows = values.length / columns;
      const tall = rows >= columns;
      for (let i = 0; i < Math.min(rows, columns); i++) {
        for (let j = 0; j <= i; j++) {
          let dot = 0;
          for (let k = 0; k < Math.max(rows, columns); k++)
            dot += tall ? values[k * columns + i]! * values[k * columns + j]! : values[i * columns + k]! * values[j * columns + k]!;
          assert.ok(Math.abs(dot - (i === j ? 4 : 0)) < 4e-6, `${i}·${j} = ${dot}`);
        }
      }
    });
  }
  it('gain of each activation', () => {
    assert.deepEqual(
      (['linear', 'sigmoid', 'tanh', 'relu', 'selu'] as const).map((name) => gain(name)),
      [1, 1, 5 / 3, Math.SQRT2, 0.75],
    );
    assert.equal(gain('leakyRelu', 1), 1);
  });

  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [
      () => kaimingUniform()([5], new Philox(1)),
      'ShapeError',
      'kaimingUniform: expected a shape of rank ≥ 2 [..., in, out], got [5]. Use uniform() or normal() for vectors.',
    ],
    [
      () => orthogonal()([5], new Philox(1)),
      'ShapeError',
      'orthogonal: expected a shape of rank ≥ 2 [..., in, out], got [5]. Use uniform() or normal() for vectors.',
    ],
    // @ts-expect-error no such choice
    [() => kaimingNormal({ mode: 'fan_in' }), 'OptionError', "kaimingNormal: expected 'fanIn' or 'fanOut' for mode, got 'fan_in'."],
    [
      () => gain('swish' as never),
      'OptionError',
      "gain: expected 'linear' or 'sigmoid' or 'tanh' or 'relu' or 'leakyRelu' or 'selu' for nonlinearity, got 'swish'.",
    ],
    [() => xavierUniform({ gain: 0 }), 'OptionError', 'xavierUniform: expected a number > 0 for gain, got 0.'],
    [() => uniform(0, Infinity), 'OptionError', 'uniform: expected a finite number ≥ low 0 for high, got Infinity.'],
    [() => uniform(1, -1), 'OptionError', 'uniform: expected a finite number ≥ low 1 for high, got -1.'],
    [() => normal(0, -1), 'OptionError', 'normal: expected a number ≥ 0 for deviation, got -1.'],
    [() => filled(NaN), 'OptionError', 'filled: expected a finite number for value, got NaN.'],
  ];
  for (const [make, name, message] of wrong) it(message, () => assert.throws(make, { name, message }));
});

describe('Philox', () => {
  it('repeats itself for the same seed and stream only', () => {
    const draw = (seed: number, stream: number): number[] => [...new Philox(seed, stream).uniform(8)];
    assert.deepEqual(draw(1, 2), draw(1, 2));
    assert.notDeepEqual(draw(1, 2), draw(1, 3));
    assert.notDeepEqual(draw(1, 2), draw(2, 2));
    assert.deepEqual([...new Philox(2n ** 63n).uniform(4)], [...new Philox(2n ** 63n).uniform(4)]);
  });
  it('draws new numbers each time', () => {
    const random = new Philox(1);
    assert.notDeepEqual(random.uniform(4), random.uniform(4));
  });
  it('uniform stays in [low, high)', () => {
    for (const [low, high] of [
      [0, 1],
      [-1, 0],
      [1, 1 + 2 ** -23],
      [-5, 3],
    ] as const) {
      assert.ok(
        new Philox(5).uniform(10_000, low, high).every((x) => x >= low && x < high),
        `${low} … ${high}`,
      );
    }
  });
  it('uniform53 has more bits than a float', () => {
    const values = new Philox(5).uniform53(100);
    assert.ok(values.every((x) => x >= 0 && x < 1));
    assert.ok(values.some((x) => Math.fround(x) !== x));
  });
  it('normal gives odd counts', () => assert.equal(new Philox(1).normal(7).length, 7));
  it('permutation holds each number once', () => {
    const order = new Philox(9).permutation(1000);
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      Array.from({ length: 1000 }, (_, i) => i),
    );
    assert.deepEqual([...new Philox(9).permutation(0)], []);
  });
  it('permutation makes every order equally likely', () => {
    const random = new Philox(11);
    const seen = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const key = random.permutation(3).join();
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    // χ² with 5 degrees of freedom is below 25.7 with probability 0.9999.
    const chi2 = [...seen.values()].reduce((total, n) => total + (n - 1000) ** 2 / 1000, 0);
    assert.ok(seen.size === 6 && chi2 < 25.7, `χ² ${chi2}`);
  });
  const wrong: readonly (readonly [() => unknown, string])[] = [
    [() => new Philox(-1), 'Philox: expected a whole number ≥ 0 (a bigint below 2⁶⁴) for seed, got -1.'],
    [() => new Philox(2n ** 64n), 'Philox: expected a whole number ≥ 0 (a bigint below 2⁶⁴) for seed, got 18446744073709551616n.'],
    [() => new Philox(1.5), 'Philox: expected a whole number ≥ 0 (a bigint below 2⁶⁴) for seed, got 1.5.'],
    [() => new Philox('a' as never), "Philox: expected a whole number ≥ 0 (a bigint below 2⁶⁴) for seed, got 'a'."],
    [() => new Philox(1, -1), 'Philox: expected 0 … 2³¹ − 1 for stream, got -1.'],
  ];
  for (const [make, message] of wrong) it(message, () => assert.throws(make, { name: 'OptionError', message }));
});
