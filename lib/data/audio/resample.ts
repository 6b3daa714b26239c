/** Sounds at another sample rate. Own code, because it is one sum; packages for it bring a WebAssembly module or interpolate linearly. */
import { NdArray } from '../../array.js';
import { checkArray } from '../../array-check.js';
import { DTypeError, OptionError, ShapeError, formatShape } from '../../errors.js';
import { check, count } from '../../options.js';
import { type Pieces, inOneGo } from '../../pieces.js';
import { newArray } from '../new-array.js';

/** Zero crossings of the sinc on each side, and the share of the lower rate's band that is kept: torchaudio's. */
const crossings = 6;
const rolloff = 0.99;
/** Rates further apart are a mistake, or an attack in a header; a sum would have more than 12,000 terms. */
const mostApart = 1000;
/** Terms of sums between two turns of the event loop: about a millisecond. */
const atOnce = 2 ** 16;

/**
 * A sound at another sample rate, without what lies above half of the lower of the two:
 *
 * y[j] = Σₛ x[s] · h(s / from − j / to), h(t) = b / from · sinc(b·t) · cos²(π·b·t / 12) for |b·t| < 6, b = 0.99 · min(from, to)
 *
 * x [S] or [S, C] → [⌈S · to / from⌉] or [⌈S · to / from⌉, C]; outside x there is silence. The filter is torchaudio's default; some 10 to 20 ns a
 * term, of which each sample of y is a sum of twelve, times from / to where that is more than 1. All of it is done at once on the calling thread;
 * `sampleRate` of `readWav` does it beside the event loop.
 *
 * @param from samples a second of x
 * @param to samples a second of the result
 * @throws OptionError unless both are whole numbers ≥ 1, at most a factor of 1,000 apart, or if the result does not fit into memory; DataError, StateError, ShapeError, DTypeError for another x
 * @see https://pytorch.org/audio/stable/generated/torchaudio.functional.resample.html
 */
export function resample(x: NdArray<Float32Array>, from: number, to: number): NdArray<Float32Array> {
  check('resample', 'from', from, count);
  check('resample', 'to', to, count);
  if (areFarApart(from, to))
    throw new OptionError(`resample: expected rates at most a factor of ${mostApart} apart, got ${from} and ${to}.`);
  checkArray('resample', 'x', x);
  if (x.rank !== 1 && x.rank !== 2)
    throw new ShapeError(`resample: expected x [S] or [S, C], got ${formatShape(x.shape)}. Take one sound at a time.`);
  if (x.dtype !== 'float32') throw new DTypeError(`resample: expected x of float32, got ${x.dtype}. Convert it with Float32Array.from().`);
  return from === to ? new NdArray(x.data.slice(), x.shape) : inOneGo(resampled(x, from, to));
}

export function areFarApart(from: number, to: number): boolean {
  return Math.max(from, to) > mostApart * Math.min(from, to);
}

/** resample of checked operands, at two different rates. Yields between pieces of the work. */
export function* resampled(x: NdArray<Float32Array>, from: number, to: number): Pieces<NdArray<Float32Array>> {
  const divisor = greatestCommonDivisor(from, to);
  const [down, up] = [from / divisor, to / divisor];
  const [samples, channels = 1] = x.shape as [number, number?];
  const length = Math.ceil((samples * up) / down);
  const shape = x.shape.with(0, length);
  const y = newArray('resample', Float32Array, shape, 'Take a part of the sound at a time.');
  const band = (rolloff * Math.min(down, up)) / down;
  const reach = crossings / band;
  let terms = 0;
  // Output j lies at sample j · down / up: all j of one remainder by `up` have the same filter.
  for (let first = 0; first < Math.min(up, length); first++) {
    const at = (first * down) / up;
    const begin = Math.ceil(at - reach);
    const filter = Float64Array.from({ length: Math.floor(at + reach) - begin + 1 }, (_, i) => lowpass(begin + i - at, band));
    for (let j = first, origin = begin; j < length; j += up, origin += down) {
      const [least, most] = [Math.max(0, -origin), Math.min(filter.length, samples - origin)];
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = least; i < most; i++) sum += filter[i]! * x.data[(origin + i) * channels + c]!;
        y[j * channels + c] = sum;
      }
      terms += filter.length * channels;
      if (terms < atOnce) continue;
      terms = 0;
      yield;
    }
  }
  return new NdArray(y, shape);
}

/** The windowed sinc at `distance` samples, `band` of whose frequencies pass. */
function lowpass(distance: number, band: number): number {
  const turn = Math.PI * band * distance;
  const window = Math.cos(turn / (2 * crossings)) ** 2;
  return band * window * (turn === 0 ? 1 : Math.sin(turn) / turn);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
