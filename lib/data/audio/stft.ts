import { NdArray } from '../../array.js';
import { checkArray } from '../../array-check.js';
import { DTypeError, DataError, OptionError, ShapeError, formatShape } from '../../errors.js';
import { boolean, checkOptions, count, oneOf } from '../../options.js';
import { multiply } from './multiply.js';
import { type WindowKind, windowKinds, windowOf } from './window.js';

/** Options of {@link Stft}. */
export interface StftOptions {
  /** Samples of a frame that are transformed, at most 32768. Default: 400. */
  readonly fftSize?: number | undefined;
  /** Samples from one frame to the next. Default: half of windowLength. */
  readonly hop?: number | undefined;
  /** Default: 'hann'. */
  readonly window?: WindowKind | undefined;
  /** Samples of a frame under the window, in its middle. Default: fftSize. */
  readonly windowLength?: number | undefined;
  /** Frame t is centred at sample t · hop, the ends mirrored; otherwise it begins there. Default: true. */
  readonly center?: boolean | undefined;
}

/** Of a frame. The matrix of a longer one has no place in most machines, and takes minutes to make. */
const mostSamples = 2 ** 15;

/**
 * Short-time Fourier transform of real signals.
 *
 * X[t, f] = Σₙ w[n] · x[t · hop + n] · exp(−2πi · f · n / fftSize), f = 0 … fftSize / 2, w a periodic window, not scaled
 *
 * `apply`: x [S] → [T, F, 2], real and imaginary parts; `power`: x [S] → [T, F], |X|².   F = ⌊fftSize / 2⌋ + 1,
 * T = 1 + ⌊S / hop⌋ if centred (⌊(S − 1) / hop⌋ for odd sizes), otherwise 1 + ⌊(S − fftSize) / hop⌋
 *
 * The definitions are those of torch.stft and librosa.stft (with pad_mode='reflect'), with time first; the defaults those of torchaudio.
 * One matrix product computes all frames, with the bits of this library's products. It takes fftSize operations where a fast transform
 * takes their logarithm, and a matrix of fftSize × (fftSize + 2) floats: it is meant for frames of up to a thousand samples or so. All of it is
 * done at once on the calling thread, about a millisecond for a second of sound at 16 kHz: many files beside a server are work for a thread of
 * their own.
 *
 * @throws OptionError for wrong options; later ShapeError or DTypeError unless x is float32 [S], DataError if it is no array or too short
 * @see https://pytorch.org/docs/stable/generated/torch.stft.html
 */
export class Stft {
  readonly fftSize: number;
  readonly hop: number;
  /** F: frequency f of a sample rate r is f · r / fftSize hertz. */
  readonly frequencies: number;
  readonly #center: boolean;
  /** `[fftSize, F, 2]`: the window times the cosines and negative sines. */
  readonly #basis: Float32Array;

  constructor(options: StftOptions = {}) {
    checkOptions('Stft', options, { fftSize: count, hop: count, window: oneOf(...windowKinds), windowLength: count, center: boolean });
    const { fftSize = 400, window = 'hann', windowLength = fftSize, center = true } = options;
    if (fftSize > mostSamples)
      throw new OptionError(
        `Stft: expected fftSize ≤ ${mostSamples}, whose matrix takes 4 GiB, got ${fftSize}. Take shorter frames, or check the sample rate they follow from.`,
      );
    if (windowLength > fftSize)
      throw new OptionError(`Stft: expected windowLength ≤ fftSize = ${fftSize}, got ${windowLength}. Make fftSize larger.`);
    this.fftSize = fftSize;
    this.hop = options.hop ?? Math.max(1, Math.floor(windowLength / 2));
    this.frequencies = Math.floor(fftSize / 2) + 1;
    this.#center = center;
    this.#basis = basisOf(windowOf(window, windowLength), fftSize, this.frequencies);
  }

  /** x [S] → [T, F, 2], real and imaginary parts. */
  apply(x: NdArray<Float32Array>): NdArray<Float32Array> {
    const samples = this.#padded(x);
    const frames = 1 + Math.floor((samples.length - this.fftSize) / this.hop);
    // Frames overlap in the signal: rows of a matrix whose stride is the hop, without a copy.
    const spectrum = multiply('Stft', { data: samples, rows: frames, stride: this.hop }, this.#basis, this.fftSize, 2 * this.frequencies);
    return new NdArray(spectrum, [frames, this.frequencies, 2]);
  }

  /** x [S] → [T, F], |X|². */
  power(x: NdArray<Float32Array>): NdArray<Float32Array> {
    const { data, shape } = this.apply(x);
    const power = new Float32Array(data.length / 2);
    for (let i = 0; i < power.length; i++) power[i] = data[2 * i]! ** 2 + data[2 * i + 1]! ** 2;
    return new NdArray(power, shape.slice(0, 2));
  }

  #padded(x: NdArray<Float32Array>): Float32Array {
    checkArray('Stft', 'x', x);
    const { data, shape, dtype } = x;
    if (shape.length !== 1)
      throw new ShapeError(`Stft: expected x of rank 1 [S], got ${formatShape(shape)}. Take one channel of one signal.`);
    if (dtype !== 'float32') throw new DTypeError(`Stft: expected x of float32, got ${dtype}. Convert it with Float32Array.from().`);
    const half = Math.floor(this.fftSize / 2);
    const least = this.#center ? half + 1 : this.fftSize;
    if (data.length < least)
      throw new DataError(
        `Stft: expected at least ${least} samples for fftSize ${this.fftSize}, got ${data.length}. Leave it out or fill it up.`,
      );
    if (!this.#center) return data;
    const last = data.length - 1;
    const padded = new Float32Array(data.length + 2 * half);
    padded.set(data, half);
    for (let i = 1; i <= half; i++) {
      padded[half - i] = data[i]!;
      padded[half + last + i] = data[last - i]!;
    }
    return padded;
  }
}

function basisOf(window: Float64Array, fftSize: number, frequencies: number): Float32Array {
  const before = Math.floor((fftSize - window.length) / 2);
  const basis = new Float32Array(fftSize * frequencies * 2);
  window.forEach((w, i) => {
    const n = before + i;
    for (let f = 0; f < frequencies; f++) {
      // Whole turns are taken off first, so that the angle keeps its digits.
      const angle = (2 * Math.PI * ((n * f) % fftSize)) / fftSize;
      basis[2 * (n * frequencies + f)] = w * Math.cos(angle);
      basis[2 * (n * frequencies + f) + 1] = -w * Math.sin(angle);
    }
  });
  return basis;
}
