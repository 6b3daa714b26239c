import { NdArray } from '../../array.js';
import { check, checkOptions, oneOf, positive } from '../../options.js';
import { type MelScale, filterCount, frequencyRange, melFilters } from './mel.js';
import { multiply } from './multiply.js';
import { Stft, type StftOptions } from './stft.js';

/** Options of {@link MelSpectrogram}. */
export interface MelSpectrogramOptions {
  /**
   * Default: frames of 25 ms, rounded to an even number of samples (552 at 22,050 Hz, 1102 at 44,100 Hz), but at least 400, half a frame apart,
   * Hann.
   */
  readonly stft?: StftOptions | undefined;
  /** M, number of filters, at most 32768; of many some may be empty, see melFilters. Default: 64. */
  readonly mels?: number | undefined;
  /** Lowest and highest frequency in hertz. Default: 0 and half the sample rate. */
  readonly range?: readonly [low: number, high: number] | undefined;
  /** Default: 'htk'. */
  readonly scale?: MelScale | undefined;
  /** Height of filters; see melFilters. Default: 'none'. */
  readonly norm?: 'none' | 'slaney' | undefined;
}

/** torchaudio's frame at up to 16 kHz, and as long a time above: 64 filters are too narrow for a shorter one. An even number. */
const frameOf = (sampleRate: number): number => Math.max(400, 2 * Math.round(0.0125 * sampleRate));

/**
 * Power spectrum on the mel scale: y[t, m] = Σ_f |STFT(x)[t, f]|² · filters[f, m].   x [S] → y [T, M]
 *
 * As torchaudio's MelSpectrogram of the same sizes (there 128 filters by default; empty ones are 0 here too), with time first. As
 * librosa.feature.melspectrogram (with pad_mode='reflect') for
 * `{ stft: { fftSize: 2048, hop: 512 }, mels: 128, scale: 'slaney', norm: 'slaney' }`.
 *
 * @param sampleRate samples a second
 * @throws OptionError for wrong options; later what Stft throws
 */
export class MelSpectrogram {
  readonly sampleRate: number;
  /** M */
  readonly mels: number;
  readonly #stft: Stft;
  /** [F, M] */
  readonly #filters: Float32Array;

  constructor(sampleRate: number, options: MelSpectrogramOptions = {}) {
    check('MelSpectrogram', 'sampleRate', sampleRate, positive);
    checkOptions('MelSpectrogram', options, {
      stft: { expected: 'an object of options', accepts: (value) => typeof value === 'object' && value !== null },
      mels: filterCount,
      range: frequencyRange,
      scale: oneOf('htk', 'slaney'),
      norm: oneOf('none', 'slaney'),
    });
    const { stft = {}, mels = 64, ...rest } = options;
    this.sampleRate = sampleRate;
    this.mels = mels;
    this.#stft = new Stft({ ...stft, fftSize: stft.fftSize ?? frameOf(sampleRate) });
    this.#filters = melFilters({ ...rest, mels, sampleRate, fftSize: this.#stft.fftSize }).data;
  }

  /** The spectrogram of a signal, x [S] → [T, M]. */
  apply(x: NdArray<Float32Array>): NdArray<Float32Array> {
    const { data, shape } = this.#stft.power(x);
    const [frames, frequencies] = shape as [number, number];
    const mel = multiply('MelSpectrogram', { data, rows: frames, stride: frequencies }, this.#filters, frequencies, this.mels);
    return new NdArray(mel, [frames, this.mels]);
  }
}
