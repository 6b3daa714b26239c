import { NdArray } from '../../array.js';
import { checkArray } from '../../array-check.js';
import { DTypeError, DataError, OptionError, formatShape } from '../../errors.js';
import { largestFloat } from '../../floats.js';
import { coordinates } from '../../graph/shape.js';
import { indexOutside } from '../../index-outside.js';
import { checkOptions, count, oneOf } from '../../options.js';
import { MelSpectrogram, type MelSpectrogramOptions } from './mel-spectrogram.js';
import { multiply } from './multiply.js';

/** Options of {@link Mfcc}. */
export interface MfccOptions {
  /** K, coefficients kept: at most as many as filters. Default: 40. */
  readonly coefficients?: number | undefined;
  /** 'decibel': 10 · log₁₀, at most 80 below the signal's highest; 'natural': ln(y + 10⁻⁶). Default: 'decibel'. */
  readonly log?: 'decibel' | 'natural' | undefined;
  /** The spectrum they are made from. Default: that of MelSpectrogram, 64 filters, with its frames of an even number of samples. */
  readonly mel?: MelSpectrogramOptions | undefined;
}

/** Powers below this count as this, and decibels further below the highest than that as that: librosa's and torchaudio's constants. */
const leastPower = 1e-10;
const decibelRange = 80;
/** Added before the natural logarithm: torchaudio's constant. */
const naturalOffset = 1e-6;

/**
 * Mel-frequency cepstral coefficients: the cosine transform of the logarithm of a mel spectrum.
 *
 * y[t, k] = √((k = 0 ? 1 : 2) / M) · Σₘ log(mel[t, m]) · cos(π · k · (m + ½) / M)   (DCT-II, orthonormal).   x [S] → y [T, K]
 *
 * As torchaudio's MFCC of the same sizes, whose log_mels is `log: 'natural'`, with time first; as librosa.feature.mfcc with its mel options, for which see
 * MelSpectrogram.
 *
 * @param sampleRate samples a second
 * @throws OptionError for wrong options; later what Stft throws, and DataError naming the first sample that is NaN or infinite
 * @see Davis and Mermelstein 1980, Comparison of parametric representations for monosyllabic word recognition
 */
export class Mfcc {
  /** K */
  readonly coefficients: number;
  readonly #mel: MelSpectrogram;
  readonly #log: 'decibel' | 'natural';
  /** [M, K] */
  readonly #cosines: Float32Array;

  constructor(sampleRate: number, options: MfccOptions = {}) {
    checkOptions('Mfcc', options, {
      coefficients: count,
      log: oneOf('decibel', 'natural'),
      mel: { expected: 'an object of options', accepts: (value) => typeof value === 'object' && value !== null },
    });
    const { coefficients = 40, log = 'decibel', mel } = options;
    this.#mel = new MelSpectrogram(sampleRate, mel);
    const { mels } = this.#mel;
    if (coefficients > mels)
      throw new OptionError(`Mfcc: expected at most as many coefficients as mels, ${mels}, got ${coefficients}. Take more mels.`);
    this.coefficients = coefficients;
    this.#log = log;
    this.#cosines = Float32Array.from({ length: mels * coefficients }, (_, i) => {
      const [m, k] = [Math.floor(i / coefficients), i % coefficients];
      return Math.sqrt((k === 0 ? 1 : 2) / mels) * Math.cos((Math.PI * k * (m + 0.5)) / mels);
    });
  }

  /** The coefficients of a signal, x [S] → [T, K]. */
  apply(x: NdArray<Float32Array>): NdArray<Float32Array> {
    const mel = this.#mel.apply(x);
    checkFinite('Mfcc', 'samples', x);
    const data = this.#log === 'decibel' ? decibels(mel).data : mel.data.map((power) => Math.log(power + naturalOffset));
    const [frames, mels] = mel.shape as [number, number];
    const y = multiply('Mfcc', { data, rows: frames, stride: mels }, this.#cosines, mels, this.coefficients);
    return new NdArray(y, [frames, this.coefficients]);
  }
}

/**
 * 10 · log₁₀(power) of a power spectrum, no element further than 80 below the highest.   [...] → [...]
 * @throws DataError for what is no array, naming the first element that is NaN or infinite; DTypeError unless it is float32
 */
export function decibels(power: NdArray<Float32Array>): NdArray<Float32Array> {
  checkArray('decibels', 'power', power);
  const { data, shape, dtype } = power;
  if (dtype !== 'float32') throw new DTypeError(`decibels: expected power of float32, got ${dtype}. Convert it with Float32Array.from().`);
  checkFinite('decibels', 'powers', power);
  const levels = data.map((element) => 10 * Math.log10(Math.max(element, leastPower)));
  const floor = levels.reduce((most, level) => Math.max(most, level), -Infinity) - decibelRange;
  return new NdArray(
    levels.map((level) => Math.max(level, floor)),
    shape,
  );
}

/** One of them would be the highest, or what all others are compared with. */
function checkFinite(what: string, elements: string, x: NdArray<Float32Array>): void {
  const bad = indexOutside(x.data, -largestFloat, largestFloat);
  if (bad < 0) return;
  throw new DataError(
    `${what}: expected finite ${elements}, got ${x.data[bad]} at ${formatShape(coordinates(bad, x.shape))}. Leave the signal out, or mend it.`,
  );
}
