import assert from 'node:assert/strict';
import {
  MelSpectrogram,
  type MelSpectrogramOptions,
  Mfcc,
  type MfccOptions,
  type NdArray,
  Philox,
  Stft,
  type StftOptions,
  array,
  decibels,
  melFilters,
} from '../../lib/index.js';
import { type Packed, readFixture, unpack } from '../support/fixtures.js';
import { float32Error, roundoff } from '../support/tolerances.js';

interface Case<Options> {
  readonly options: Options;
  readonly y: Packed;
}

const fixture = readFixture<{
  readonly sampleRate: number;
  readonly x: Packed;
  readonly stft: readonly Case<StftOptions>[];
  readonly mel: readonly Case<MelSpectrogramOptions>[];
  readonly mfcc: readonly Case<MfccOptions>[];
}>('audio');
const signal = unpack(fixture.x) as NdArray<Float32Array>;

const largest = (values: ArrayLike<number>): number => Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function assertWithin(actual: NdArray, expected: Packed, tolerance: number): void {
  assert.deepEqual([...actual.shape], [...expected.shape]);
  expected.data.forEach((e, i) => {
    const error = Math.abs(actual.data[i]! - e);
    assert.ok(error <= tolerance, `expected ${e} at ${i}, got ${actual.data[i]}: off by ${error}, allowed ${tolerance}`);
  });
}

/** A sum of n products is off by n roundings of the sum of their sizes at most; windows and sines are rounded too. */
const sumError = (n: number, sizes: number): number => (n + 3) * roundoff * sizes;

/** The transform by its definition, in double precision, the ends mirrored. */
function direct(
  x: Float32Array,
  fftSize: number,
  hop: number,
  weight: (n: number) => number,
): { re: number; im: number; sizes: number }[][] {
  const half = Math.floor(fftSize / 2);
  const at = (i: number): number => x[i < 0 ? -i : i >= x.length ? 2 * (x.length - 1) - i : i]!;
  const frames = 1 + Math.floor((x.length + 2 * half - fftSize) / hop);
  return Array.from({ length: frames }, (_, t) =>
    Array.from({ length: half + 1 }, (_, f) => {
      const sum = { re: 0, im: 0, sizes: 0 };
      for (let n = 0; n < fftSize; n++) {
        const value = weight(n) * at(t * hop + n - half);
        sum.re += value * Math.cos((2 * Math.PI * f * n) / fftSize);
        sum.im -= value * Math.sin((2 * Math.PI * f * n) / fftSize);
        sum.sizes += Math.abs(value);
      }
      return sum;
    }),
  );
}

describe('Stft', () => {
  for (const { options, y } of fixture.stft) {
    it(`is PyTorch's for ${JSON.stringify(options)}`, () =>
      assertWithin(new Stft(options).apply(signal), y, sumError(options.fftSize!, options.fftSize! * largest(signal.data))));
  }
  for (const [fftSize, hop, samples] of [
    [512, 128, 1500],
    [400, 160, 1000],
    [7, 3, 50],
    [2, 1, 9],
    [1, 1, 4],
  ] as const) {
    // prettier-ignore
    it(`is the sum of its definition for fftSize ${fftSize}`, () => {
      const x = new Philox(1).normal(samples);
      const { data, shape } = new Stft({ fftSize, hop }).apply(array(x));
      const frames = direct(x, fftSize, hop, (n) => (fftSize === 1 ? 1 : 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / fftSize)));
      assert.deepEqual([...shape], [frames.length, frames[0]!.length, 2]);
      frames.flat().forEach(({ re, im, sizes }, i) => {
        assert.ok(Math.abs(data[2 * i]! - re) <= sumError(fftSize, sizes), `real ${i}: ${data[2 * i]} instead of ${re}`);
        assert.ok(Math.abs(data[2 * i + 1]! - im) <= sumError(fftSize, sizes), `imaginary ${i}: ${data[2 * i + 1]} instead of ${im}`);
      });
    });
  }
  it('finds a tone where it is', () => {
    const stft = new Stft({ fftSize: 256, hop: 256, center: false });
    const tone = array(Float32Array.from({ length: 256 }, (_, n) => Math.cos((2 * Math.PI * 1000 * n) / 8000)));
    const { data } = stft.power(tone);
    assert.equal(data.indexOf(largest(data)), (1000 / 8000) * 256);
    // Half the sum of the window, squared.
    assert.ok(Math.abs(largest(data) - 64 ** 2) <= float32Error(256) * 64 ** 2);
  });
  for (const window of ['hann', 'hamming', 'rectangular'] as const)
    it(`has 1 for a ${window} window of one sample, as PyTorch`, () => {
      const { data } = new Stft({ fftSize: 2, windowLength: 1, window, center: false }).apply(array(Float32Array.of(3, 5)));
      assert.deepEqual([...data], [3, 0, 3, 0]);
    });
  it('has a hop of half its window unless told', () => assert.deepEqual([new Stft().hop, new Stft().frequencies], [200, 201]));
});

describe('MelSpectrogram', () => {
  for (const { options, y } of fixture.mel) {
    it(`is torchaudio's for ${JSON.stringify(options)}`, () => {
      const operations = options.stft!.fftSize! + options.stft!.fftSize! / 2;
      assertWithin(new MelSpectrogram(fixture.sampleRate, options).apply(signal), y, float32Error(operations) * largest(y.data));
    });
  }
  it('has frames for its filters at every usual sample rate, and those of 400 samples up to 16 kHz', () => {
    const frames = (rate: number): number => new MelSpectrogram(rate).apply(array(new Float32Array(rate))).shape[0]!;
    // A second has one frame more than hops.
    for (const rate of [8000, 11025, 16000]) assert.equal(frames(rate), 1 + Math.floor(rate / 200), `${rate}`);
    for (const rate of [22050, 24000, 32000, 44100, 48000]) assert.ok(Math.abs(frames(rate) - 81) <= 1, `${rate}`);
    const noise = array(new Philox(1).normal(4000));
    for (const [rate, fftSize] of [
      [22050, 552],
      [44100, 1102],
    ] as const)
      assert.deepEqual(new MelSpectrogram(rate).apply(noise), new MelSpectrogram(rate, { stft: { fftSize } }).apply(noise), `${rate}`);
    assert.equal(new Mfcc(44100).coefficients, 40);
    const signalOf = array(new Philox(1).normal(2000));
    assert.deepEqual(
      new MelSpectrogram(8000).apply(signalOf),
      new MelSpectrogram(8000, { stft: { fftSize: 400, hop: 200 } }).apply(signalOf),
    );
  });
  it('weights add up to one between the peaks of neighbours', () => {
    const { data, shape } = melFilters({ sampleRate: 8000, fftSize: 512, mels: 10 });
    const [frequencies, mels] = shape as [number, number];
    const sums = Array.from({ length: frequencies }, (_, f) => data.subarray(f * mels, (f + 1) * mels).reduce((a, b) => a + b, 0));
    const inside = sums.slice(20, 200);
    inside.forEach((sum) => assert.ok(Math.abs(sum - 1) <= 4 * roundoff, `${sum}`));
  });
});

describe("torchaudio's defaults, 128 filters for frames of 400 samples at 16 kHz", () => {
  const x = array(new Philox(2).normal(1300));
  const hann = (n: number): number => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / 400);
  const power = direct(x.data, 400, 200, hann).map((frame) => frame.map(({ re, im }) => re ** 2 + im ** 2));
  const edges = Array.from({ length: 130 }, (_, i) => 700 * ((1 + 8000 / 700) ** (i / 129) - 1));
  const weights = Array.from({ length: 128 }, (_, m) =>
    Array.from({ length: 201 }, (_, f) => {
      const [left, peak, right] = edges.slice(m, m + 3) as [number, number, number];
      const hertz = 40 * f;
      if (hertz <= left || hertz >= right) return 0;
      return hertz <= peak ? (hertz - left) / (peak - left) : (right - hertz) / (right - peak);
    }),
  );
  const mel = power.map((frame) => weights.map((filter) => filter.reduce((sum, w, f) => sum + w * frame[f]!, 0)));
  const empty = weights.flatMap((filter, m) => (filter.every((w) => w === 0) ? [m] : []));

  it('MelSpectrogram leaves those at 0 that no frequency falls into', () => {
    assert.equal(empty.length, 4);
    const y = new MelSpectrogram(16000, { mels: 128 }).apply(x);
    assertWithin(y, { shape: [mel.length, 128], data: mel.flat() }, float32Error(600) * largest(mel.flat()));
    for (const m of empty) assert.ok(mel.every((_, t) => y.data[128 * t + m] === 0));
  });
  it('Mfcc takes their logarithm as that of the least power', () => {
    const offset = 1e-6;
    const logs = mel.map((frame) => frame.map((value) => Math.log(value + offset)));
    const expected = logs.map((frame) =>
      Array.from({ length: 40 }, (_, k) => {
        const sum = frame.reduce((all, level, m) => all + level * Math.cos((Math.PI * k * (m + 0.5)) / 128), 0);
        return Math.sqrt((k === 0 ? 1 : 2) / 128) * sum;
      }),
    );
    const y = new Mfcc(16000, { log: 'natural', mel: { mels: 128 } }).apply(x);
    const least = Math.min(...mel.flat().filter((value) => value > 0));
    // As for torchaudio's: an error of a power is one of its logarithm divided by it. An empty filter has none.
    const level = (float32Error(600) * largest(mel.flat())) / least + float32Error(128) * Math.abs(Math.log(offset));
    assertWithin(y, { shape: [mel.length, 40], data: expected.flat() }, Math.sqrt(2 * 128) * level);
    assert.ok(new Mfcc(16000, { mel: { mels: 128 } }).apply(x).data.every(Number.isFinite));
  });
});

describe('Mfcc', () => {
  for (const { options, y } of fixture.mfcc) {
    it(`is torchaudio's for ${JSON.stringify(options)}`, () => {
      const mel = new MelSpectrogram(fixture.sampleRate, options.mel).apply(signal);
      const [mels, fftSize] = [options.mel!.mels!, options.mel!.stft!.fftSize!];
      // An error of a power is one of its logarithm divided by it; the cosines add mels of them, each at most √(2 / mels).
      const least = mel.data.reduce((a, b) => Math.min(a, b));
      const level = (10 / Math.LN10) * ((float32Error(1.5 * fftSize) * largest(mel.data)) / least) + float32Error(mels) * 100;
      assertWithin(new Mfcc(fixture.sampleRate, options).apply(signal), y, Math.sqrt(2 * mels) * level);
    });
  }
  it('decibels are cut 80 below the highest, and where there is nothing', () => {
    assert.deepEqual([...decibels(array([1, 10, 1e-7, 1e-12])).data], [0, 10, -70, -70]);
    assert.deepEqual([...decibels(array([0])).data], [-100]);
  });

  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [() => new Stft({ fftSize: 0 }), 'OptionError', 'Stft: expected a whole number ≥ 1 for fftSize, got 0.'],
    [
      () => new Stft({ fftSize: 64, windowLength: 65 }),
      'OptionError',
      'Stft: expected windowLength ≤ fftSize = 64, got 65. Make fftSize larger.',
    ],
    [
      () => new Stft().apply(array(new Float32Array(4), [2, 2])),
      'ShapeError',
      'Stft: expected x of rank 1 [S], got [2, 2]. Take one channel of one signal.',
    ],
    [
      () => new Stft().apply(array(new Int32Array(4)) as never),
      'DTypeError',
      'Stft: expected x of float32, got int32. Convert it with Float32Array.from().',
    ],
    [
      () => decibels(array(Int32Array.of(1, 50)) as never),
      'DTypeError',
      'decibels: expected power of float32, got int32. Convert it with Float32Array.from().',
    ],
    [
      () => new Stft().apply(array(new Float32Array(200))),
      'DataError',
      'Stft: expected at least 201 samples for fftSize 400, got 200. Leave it out or fill it up.',
    ],
    [
      () => new Stft({ center: false }).apply(array(new Float32Array(399))),
      'DataError',
      'Stft: expected at least 400 samples for fftSize 400, got 399. Leave it out or fill it up.',
    ],
    [
      () => melFilters({ sampleRate: 8000, fftSize: 256, range: [0, 5000] }),
      'OptionError',
      'melFilters: expected a range up to half the sample rate, 4000, got 5000.',
    ],
    [
      () => melFilters({ sampleRate: 8000, fftSize: 256, range: [5, 5] }),
      'OptionError',
      'melFilters: expected a list of two numbers, 0 ≤ low < high for range, got [ 5, 5 ].',
    ],
    [
      () => new Mfcc(1e9),
      'OptionError',
      'Stft: expected fftSize ≤ 32768, whose matrix takes 4 GiB, got 25000000. Take shorter frames, or check the sample rate they follow from.',
    ],
    [() => new MelSpectrogram(0), 'OptionError', 'MelSpectrogram: expected a number > 0 for sampleRate, got 0.'],
    [
      () => new Mfcc(16000, { coefficients: 65 }),
      'OptionError',
      'Mfcc: expected at most as many coefficients as mels, 64, got 65. Take more mels.',
    ],
    [() => new Mfcc(16000, { log: 'two' } as never), 'OptionError', "Mfcc: expected 'decibel' or 'natural' for log, got 'two'."],
  ];
  for (const [make, name, message] of wrong) it(message, () => assert.throws(make, { name, message }));
});
