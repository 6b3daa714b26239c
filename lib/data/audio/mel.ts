/** The mel scale, on which equal distances sound equal, and the triangular filters on it. */
import { NdArray } from '../../array.js';
import { OptionError } from '../../errors.js';
import { type Rule, checkOptions, count, nonNegative, oneOf, positive, required } from '../../options.js';
import { newArray } from '../new-array.js';

/** 'htk': 2595 · log₁₀(1 + f / 700); 'slaney': a line up to 1000 Hz, a logarithm above (librosa's default). */
export type MelScale = 'htk' | 'slaney';

interface Scale {
  readonly fromHertz: (f: number) => number;
  readonly toHertz: (mel: number) => number;
}

/** Slaney 1998, Auditory Toolbox: 15 mels up to 1000 Hz, then 27 for each factor of 6.4. */
const [linearMels, linearHertz, mels, factor] = [15, 1000, 27, 6.4] as const;

const scales: { readonly [Name in MelScale]: Scale } = {
  htk: {
    fromHertz: (f) => 2595 * Math.log10(1 + f / 700),
    toHertz: (mel) => 700 * (10 ** (mel / 2595) - 1),
  },
  slaney: {
    fromHertz: (f) =>
      f < linearHertz ? (f * linearMels) / linearHertz : linearMels + (mels * Math.log(f / linearHertz)) / Math.log(factor),
    toHertz: (mel) => (mel < linearMels ? (mel * linearHertz) / linearMels : linearHertz * factor ** ((mel - linearMels) / mels)),
  },
};

/** Options of {@link melFilters}. */
export interface MelFilterOptions {
  /** Samples a second. */
  readonly sampleRate: number;
  /** Samples of a frame of the transform. */
  readonly fftSize: number;
  /** M, number of filters, at most 32768. Default: 64. */
  readonly mels?: number | undefined;
  /** Lowest and highest frequency in hertz. Default: 0 and half the sample rate. */
  readonly range?: readonly [low: number, high: number] | undefined;
  /** Default: 'htk'. */
  readonly scale?: MelScale | undefined;
  /** 'none': peaks of 1 (torchaudio's default); 'slaney': each filter divided by half its width in hertz (librosa's default). Default: 'none'. */
  readonly norm?: 'none' | 'slaney' | undefined;
}

/** Twice the frequencies of the longest frames that Stft takes. */
const mostMels = 2 ** 15;
export const filterCount: Rule = {
  expected: `a whole number in 1 … ${mostMels}`,
  accepts: (value) => count.accepts(value) && Number(value) <= mostMels,
};

export const frequencyRange: Rule = {
  expected: 'a list of two numbers, 0 ≤ low < high',
  accepts: (value) =>
    Array.isArray(value) && value.length === 2 && value.every((f) => nonNegative.accepts(f)) && Number(value[0]) < Number(value[1]),
};

/**
 * Filters that bring a power spectrum to the mel scale by a product: [T, F] · [F, M] → [T, M], F = ⌊fftSize / 2⌋ + 1.
 *
 * Filter m rises from 0 at the m-th of M + 2 frequencies evenly spaced in mels to its peak at the next, and falls to 0 at the one after. A
 * filter so narrow that no frequency of the transform falls into it is 0 throughout, as in torchaudio and librosa, which warn of it: with
 * frames of 400 samples at 16 kHz, 4 of 128 filters of the scale 'htk', and none of 64. Take fewer mels or a larger fftSize to have none.
 *
 * @throws OptionError for wrong options
 * @see https://librosa.org/doc/latest/generated/librosa.filters.mel.html
 */
export function melFilters(options: MelFilterOptions): NdArray<Float32Array> {
  checkOptions('melFilters', options, {
    sampleRate: required(positive),
    fftSize: required(count),
    mels: filterCount,
    range: frequencyRange,
    scale: oneOf('htk', 'slaney'),
    norm: oneOf('none', 'slaney'),
  });
  const { sampleRate, fftSize, mels = 64, range = [0, sampleRate / 2], scale = 'htk', norm = 'none' } = options;
  if (range[1] > sampleRate / 2)
    throw new OptionError(`melFilters: expected a range up to half the sample rate, ${sampleRate / 2}, got ${range[1]}.`);
  const { fromHertz, toHertz } = scales[scale];
  const [low, high] = range.map(fromHertz) as [number, number];
  const edges = Array.from({ length: mels + 2 }, (_, i) => toHertz(low + ((high - low) * i) / (mels + 1)));
  const frequencies = Math.floor(fftSize / 2) + 1;
  const shape = [frequencies, mels];
  const filters = newArray('melFilters', Float32Array, shape, 'Take a smaller fftSize.');
  for (let m = 0; m < mels; m++) {
    const [left, peak, right] = edges.slice(m, m + 3) as [number, number, number];
    const height = norm === 'slaney' ? 2 / (right - left) : 1;
    for (let f = 0; f < frequencies; f++) {
      const hertz = (f * sampleRate) / fftSize;
      const weight = Math.max(0, Math.min((hertz - left) / (peak - left), (right - hertz) / (right - peak)));
      filters[f * mels + m] = height * weight;
    }
  }
  return new NdArray(filters, shape);
}
