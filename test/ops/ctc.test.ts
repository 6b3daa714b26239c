import assert from 'node:assert/strict';
import { type NdArray, type Tensor, array, compile, constant, ctc, gradients, logSoftmax, sum } from '../../lib/index.js';
import { checkForward, checkGradient, sample } from '../support/check-op.js';

const logits = sample([3, 6, 4], 1, -3, 3);
/** Of one label, of two that are equal and another, and of none. */
const ids = array(Int32Array.of(2, -1, -1, 1, 1, 3, -1, -1, -1), [3, 3]);
const lengths = array(Int32Array.of(2, 6, 4));
const of = (x: Tensor, y: Tensor): Tensor => ctc(logSoftmax(x), y);
const ofLengths = (x: Tensor, y: Tensor, n: Tensor): Tensor => ctc(logSoftmax(x), y, { lengths: n });

/** −ln Σ p over every path that reads the labels. */
function byPaths({ data, shape }: NdArray, wanted: readonly number[], row: number, frames: number, blank: number): number {
  const [, t, classes] = shape as [number, number, number];
  const p = (f: number, c: number): number => {
    const at = (row * t + f) * classes;
    const all = Array.from({ length: classes }, (_, k) => Math.exp(data[at + k]!));
    return all[c]! / all.reduce((a, b) => a + b);
  };
  let total = 0;
  for (let path = 0; path < classes ** frames; path++) {
    const seen = Array.from({ length: frames }, (_, f) => Math.floor(path / classes ** f) % classes);
    const read = seen.filter((c, f) => c !== blank && c !== seen[f - 1]);
    if (read.join() === wanted.join()) total += seen.reduce((product, c, f) => product * p(f, c), 1);
  }
  return -Math.log(total);
}

describe('ctc', () => {
  it('sums over all alignments', async () => {
    for (const blank of [0, 3]) {
      const wanted = blank === 0 ? [[2], [1, 1, 3], []] : [[2], [1, 1, 0], []];
      const padded = array(Int32Array.from(wanted.flatMap((row) => [...row, ...Array<number>(3 - row.length).fill(-1)])), [3, 3]);
      const f = compile((x: Tensor, y: Tensor, n: Tensor) => ctc(logSoftmax(x), y, { blank, lengths: n }));
      const { data } = await f(logits, padded, lengths);
      wanted.forEach((row, n) => {
        const expected = byPaths(logits, row, n, lengths.data[n]!, blank);
        assert.ok(Math.abs(data[n]! - expected) < 1e-5 * expected, `row ${n}: ${data[n]} and ${expected}`);
      });
    }
  });
  it('values', () => checkForward(of, [logits, ids], 32));
  it('reads labels of other types as whole numbers', async () => {
    const asFloats = array(
      Float32Array.from(ids.data, (id) => (id > 0 ? id + 0.7 : id)),
      ids.shape,
    );
    assert.deepEqual((await compile(of)(logits, asFloats)).data, (await compile(of)(logits, ids)).data);
  });
  it('values, rows of other lengths', () => checkForward(ofLengths, [logits, ids, lengths], 32));
  it('gradient', () => checkGradient(of, [logits, ids]));
  it('gradient, rows of other lengths', () => checkGradient(ofLengths, [logits, ids, lengths]));
  it('gradient, another blank', () => {
    const others = array(Int32Array.of(0, 0, 1, 2), [2, 2]);
    checkGradient((x, y) => ctc(logSoftmax(x), y, { blank: 3 }), [logits.rows(0, 2), others]);
  });
  it('is ∞ where the frames are too few, with a gradient of 0', async () => {
    const f = compile((x: Tensor, y: Tensor, n: Tensor) => {
      const losses = ctc(logSoftmax(x), y, { lengths: n });
      return [losses, gradients(sum(losses), [x])[0]!] as const;
    });
    const [losses, slopes] = await f(logits, ids, array(Int32Array.of(2, 3, 4)));
    assert.deepEqual([...losses.data].map((x) => x === Infinity), [false, true, false]); // prettier-ignore
    assert.ok(slopes.rows(1, 2).data.every((x) => x === 0));
    assert.ok(slopes.data.every(Number.isFinite) && slopes.data.some((x) => x !== 0));
  });
  it('refuses a second derivative', () => {
    const second = (x: Tensor, y: Tensor): Tensor => gradients(sum(gradients(sum(of(x, y)), [x])[0]!), [x])[0]!;
    assert.throws(() => compile(second).sync(logits, ids), { name: 'StateError', message: /^ctc: expected a first derivative/ });
  });
  const wrongLabels: readonly (readonly [number, number])[] = [
    [4, 1],
    [0, 1],
    [-2, 1],
    [1, 2],
  ];
  for (const [label, at] of wrongLabels) {
    it(`names label ${label} at [0, ${at}]`, async () => {
      const wrong = Int32Array.of(2, -1, -1, 1, 1, 3, -1, -1, -1);
      if (at === 1) wrong[1] = label;
      else wrong[2] = label; // behind a −1
      await assert.rejects(compile(of)(logits, array(wrong, [3, 3])), {
        name: 'DataError',
        message: `ctc: expected a label in 0 … 3 but 0, the blank, and −1 only behind the last, got ${label} at position [0, ${at}] in step 0.`,
      });
    });
  }
  const wrong: readonly (readonly [() => unknown, string, RegExp])[] = [
    [
      () => compile(of).sync(logits, array(Int32Array.of(1, 2))),
      'ShapeError',
      /^ctc: expected .* \[N, T, C\] and labels \[N, S\], got \[3, 6, 4\] and \[2\]/,
    ],
    [() => compile(of).sync(logits, array(new Int32Array(4), [2, 2])), 'ShapeError', /got \[3, 6, 4\] and \[2, 2\]/],
    [() => compile(of).sync(sample([6, 4]), ids), 'ShapeError', /got \[6, 4\] and \[3, 3\]/],
    [
      () => compile((x: Tensor) => ctc(x, constant(new Int32Array(3 * 16385), [3, 16385]))).sync(logits),
      'ShapeError',
      /^ctc: expected at most 16384 labels a row, got 16385/,
    ],
    [
      () => compile((x: Tensor, y: Tensor) => ctc(x, y, { blank: 4 })).sync(logits, ids),
      'OptionError',
      /^ctc: expected a class 0 … 3 for blank, got 4/,
    ],
    [
      () => compile((x: Tensor, y: Tensor) => ctc(x, y, { lengths: constant(Int32Array.of(1, 7, 1)) })).sync(logits, ids),
      'DataError',
      /expected 1 … 6, got 7/,
    ],
  ];
  for (const [f, name, message] of wrong) it(String(message), () => assert.throws(f, { name, message }));
});
