import assert from 'node:assert/strict';
import { type CtcReading, type NdArray, Philox, array, ctcBeamSearch, ctcDecode } from '../../lib/index.js';

/** All labels of a row of logits with their probabilities, path by path, the likeliest first. */
function readings(frames: readonly (readonly number[])[], blank: number): readonly CtcReading[] {
  const found = new Map<string, { labels: number[]; probability: number }>();
  const follow = (path: readonly number[], probability: number): void => {
    const frame = frames[path.length];
    if (frame === undefined) {
      const labels = path.filter((label, t) => label !== blank && label !== path[t - 1]);
      const known = found.get(labels.join()) ?? { labels, probability: 0 };
      known.probability += probability;
      found.set(labels.join(), known);
      return;
    }
    const sum = frame.reduce((all, score) => all + Math.exp(score), 0);
    frame.forEach((score, label) => follow([...path, label], (probability * Math.exp(score)) / sum));
  };
  follow([], 1);
  return [...found.values()]
    .sort((a, b) => b.probability - a.probability)
    .map(({ labels, probability }) => ({ labels, logProbability: Math.log(probability) }));
}

const logits = (n: number, t: number, c: number, seed: number): NdArray<Float32Array> =>
  array(
    new Philox(seed).normal(n * t * c).map((x) => 2 * x),
    [n, t, c],
  );
const framesOf = (x: NdArray, n: number): readonly (readonly number[])[] =>
  (x.toNested() as readonly (readonly (readonly number[])[])[])[n]!;

describe('ctcBeamSearch', () => {
  for (const [t, c, blank] of [
    [1, 2, 0],
    [4, 3, 0],
    [5, 3, 2],
    [6, 3, 1],
    [5, 4, 0],
  ] as const)
    // prettier-ignore
    it(`finds all labels with the probability of all their paths where the beam holds them: T = ${t}, C = ${c}, blank ${blank}`, () => {
      const x = logits(3, t, c, 7 * t + c);
      const found = ctcBeamSearch(x, { blank, beamWidth: 10_000, topPaths: 10_000 });
      for (const n of [0, 1, 2]) {
        const expected = readings(framesOf(x, n), blank);
        assert.equal(found[n]!.length, expected.length);
        assert.deepEqual(found[n]![0]!.labels, expected[0]!.labels);
        const byLabels = new Map(found[n]!.map(({ labels, logProbability }) => [labels.join(), logProbability]));
        for (const { labels, logProbability } of expected)
          assert.ok(Math.abs(byLabels.get(labels.join())! - logProbability) < 1e-12, `${labels.join()}: ${byLabels.get(labels.join())}`);
        assert.deepEqual(found[n], found[n]!.toSorted((a, b) => b.logProbability - a.logProbability));
      }
    });

  it('finds a label that several paths agree on, where the best path is blank', () => {
    const x = array([[[0.6, 0.4], [0.6, 0.4]]].map((row) => row.map((frame) => frame.map(Math.log)))); // prettier-ignore
    assert.deepEqual(ctcDecode(x), [[]]);
    const [[first, second]] = ctcBeamSearch(x, { topPaths: 2 }) as [CtcReading[]];
    assert.deepEqual([first!.labels, second!.labels], [[1], []]);
    assert.ok(Math.abs(first!.logProbability - Math.log(0.64)) < 1e-6 && Math.abs(second!.logProbability - Math.log(0.36)) < 1e-6);
  });

  it('follows a beginning that was dropped and is found again as the same', () => {
    // With a beam of 2 and random scores some beginnings leave and return; no labels may then come twice, or with more than their probability.
    for (let seed = 0; seed < 200; seed++) {
      const x = logits(1, 6, 4, seed);
      const exact = new Map(readings(framesOf(x, 0), 0).map((of) => [of.labels.join(), of.logProbability]));
      const [found] = ctcBeamSearch(x, { beamWidth: 3, topPaths: 3 }) as [CtcReading[]];
      assert.equal(new Set(found.map(({ labels }) => labels.join())).size, found.length);
      for (const { labels, logProbability } of found) assert.ok(logProbability <= exact.get(labels.join())! + 1e-12);
    }
  });

  it('holds rows of thousands of frames', () => {
    // Two frames of which each shows a label with probability e² / (1 + e²), and a sure blank: 1 and 2 by turns, in one place each.
    const frames = Array.from({ length: 3000 }, (_, t) =>
      t % 3 === 2 ? [0, -Infinity, -Infinity] : [0, 1, 2].map((c) => (c === 0 ? 0 : t % 6 < 3 === (c === 1) ? 2 : -Infinity)),
    );
    const [[{ labels, logProbability }]] = ctcBeamSearch(array([frames])) as [[CtcReading]];
    assert.deepEqual(
      labels,
      Array.from({ length: 1000 }, (_, i) => 1 + (i % 2)),
    );
    const expected = 1000 * Math.log(1 - (1 / (1 + Math.exp(2))) ** 2);
    assert.ok(Math.abs(logProbability / expected - 1) < 1e-9, `${logProbability} for ${expected}`);
  });

  it('stops at the end of each row, and takes classes that cannot be', () => {
    const x = array([-Infinity, 0, -Infinity, 0, -Infinity, -Infinity, -Infinity, -Infinity, 0], [1, 3, 3]);
    assert.deepEqual(ctcBeamSearch(x, { topPaths: 5 }), [[{ labels: [1, 2], logProbability: 0 }]]);
    assert.deepEqual(ctcBeamSearch(x, { lengths: [2] }), [[{ labels: [1], logProbability: 0 }]]);
    assert.deepEqual(ctcBeamSearch(x, { lengths: [0] }), [[{ labels: [], logProbability: 0 }]]);
    assert.deepEqual(ctcBeamSearch(x, { lengths: array(Int32Array.of(2)) }), [[{ labels: [1], logProbability: 0 }]]);
    assert.deepEqual(ctcDecode(x, { lengths: array(Int32Array.of(2)) }), [[1]]);
    assert.throws(() => ctcDecode(x, { lengths: array([1.5]) }), {
      name: 'OptionError',
      message: /list or array of whole numbers ≥ 0 for lengths/,
    });
    assert.throws(() => ctcDecode(x, { lengths: array([[2]]) }), { name: 'ShapeError', message: 'ctcDecode: expected lengths of shape [N], one for each row, got [1, 1]. Reshape them.' }); // prettier-ignore
    const gone = array(Int32Array.of(2));
    structuredClone(gone.data.buffer, { transfer: [gone.data.buffer] });
    assert.throws(() => ctcDecode(x, { lengths: gone }), {
      name: 'StateError',
      message: /^ctcDecode: expected 1 elements for lengths of shape \[1\], got 0: its buffer was detached/,
    });
    assert.throws(() => ctcDecode(x, { lengths: gone.data }), { name: 'ShapeError', message: /got \[1, 3, 3\] and 0 lengths/ });
  });

  for (const [what, x, options, name, message] of [
    [
      'frames without a largest score',
      [Infinity, 0],
      {},
      'DataError',
      'ctcBeamSearch: expected a finite largest score in each frame, got Infinity.',
    ],
    [
      'frames in which nothing can be',
      [-Infinity, -Infinity],
      {},
      'DataError',
      'ctcBeamSearch: expected a finite largest score in each frame, got -Infinity.',
    ],
    ['a beam of nothing', [0, 0], { beamWidth: 0 }, 'OptionError', 'ctcBeamSearch: expected a whole number ≥ 1 for beamWidth, got 0.'],
    ['NaN', [0, NaN], {}, 'DataError', 'ctcBeamSearch: expected scores that are numbers, got NaN at element 1.'],
  ] as const)
    // prettier-ignore
    it(`refuses ${what}`, () => assert.throws(() => ctcBeamSearch(array([...x], [1, 1, 2]), options), { name, message }));
});
