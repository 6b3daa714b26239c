import assert from 'node:assert/strict';
import { type NdArray, Philox, array, resample } from '../../lib/index.js';

const tone = (frequency: number, rate: number, length: number): NdArray<Float32Array> =>
  array(Float32Array.from({ length }, (_, s) => Math.sin((2 * Math.PI * frequency * s) / rate)));

/** Largest difference, but for the samples at both ends that the filter fills up with silence. */
function apart(a: NdArray, b: NdArray, ends: number): number {
  assert.deepEqual(a.shape, b.shape);
  let most = 0;
  for (let i = ends; i < a.size - ends; i++) most = Math.max(most, Math.abs(a.data[i]! - b.data[i]!));
  return most;
}

/** The formula as it stands, over all samples and one output after another. */
function reference(x: NdArray<Float32Array>, from: number, to: number): number[] {
  const b = 0.99 * Math.min(from, to);
  const h = (t: number): number => {
    if (Math.abs(b * t) >= 6) return 0;
    const sinc = t === 0 ? 1 : Math.sin(Math.PI * b * t) / (Math.PI * b * t);
    return (b / from) * sinc * Math.cos((Math.PI * b * t) / 12) ** 2;
  };
  return Array.from({ length: Math.ceil((x.size * to) / from) }, (_, j) =>
    x.data.reduce((sum, value, s) => sum + value * h(s / from - j / to), 0),
  );
}

describe('resample', () => {
  for (const [from, to] of [
    [8000, 16000],
    [44100, 16000],
    [16000, 44100],
    [48000, 8000],
    [3, 7],
    [1000, 1],
  ] as const)
    // prettier-ignore
    it(`is the sum it says: ${from} to ${to}`, () => {
      const x = array(new Philox(5).normal(200));
      const expected = reference(x, from, to);
      const y = resample(x, from, to);
      assert.deepEqual([...y.shape], [expected.length]);
      // Rounded once, of sums in float64.
      expected.forEach((value, j) => assert.ok(Math.abs(y.data[j]! - value) <= 2 ** -23 * Math.max(1, Math.abs(value)), `${j}: ${y.data[j]} for ${value}`)); // prettier-ignore
    });

  it('keeps tones that both rates can hold, and none above', () => {
    assert.ok(apart(resample(tone(440, 44100, 44100), 44100, 16000), tone(440, 16000, 16000), 50) < 2e-3);
    assert.ok(apart(resample(tone(1000, 8000, 4000), 8000, 48000), tone(1000, 48000, 24000), 100) < 2e-3);
    const above = resample(tone(12000, 44100, 44100), 44100, 16000);
    assert.ok(apart(above, array(new Float32Array(above.size)), 50) < 2e-3);
  });

  it('gives a copy of a sound of the same rate', () => {
    const x = tone(440, 8000, 9);
    const y = resample(x, 8000, 8000);
    assert.deepEqual(y, x);
    assert.notEqual(y.data.buffer, x.data.buffer);
  });

  it('takes channels apart, and sounds of no samples', () => {
    const [left, right] = [tone(440, 8000, 100), tone(300, 8000, 100)];
    const both = array(
      Float32Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? left : right).data[i >> 1]!),
      [100, 2],
    );
    const y = resample(both, 8000, 5000);
    assert.deepEqual([...y.shape], [63, 2]);
    for (const [c, channel] of [left, right].entries())
      assert.deepEqual(y.data.filter((_, i) => i % 2 === c), resample(channel, 8000, 5000).data); // prettier-ignore
    assert.deepEqual([...resample(array(new Float32Array(0)), 8000, 5000).shape], [0]);
  });

  for (const [what, x, from, to, name, message] of [
    ['rates that are none', [1], 8000.5, 16000, 'OptionError', 'resample: expected a whole number ≥ 1 for from, got 8000.5.'],
    ['rates far apart', [1], 1, 16000, 'OptionError', 'resample: expected rates at most a factor of 1000 apart, got 1 and 16000.'],
    ['batches', [1, 1, 1], 1, 2, 'ShapeError', 'resample: expected x [S] or [S, C], got [1, 1, 1]. Take one sound at a time.'],
  ] as const)
    it(`refuses ${what}`, () => assert.throws(() => resample(array(new Float32Array(1), x), from, to), { name, message }));
  it('refuses integers, which have a scale', () =>
    assert.throws(() => resample(array(Int32Array.of(1)) as never, 1, 2), {
      name: 'DTypeError',
      message: 'resample: expected x of float32, got int32. Convert it with Float32Array.from().',
    }));
});
