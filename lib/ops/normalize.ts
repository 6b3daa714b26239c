/** Channels brought to mean 0 and deviation 1 by statistics given once: what the layer and the augmentation share. */
import { OptionError, ShapeError, formatShape } from '../errors.js';
import { constant } from '../graph/source.js';
import type { Shape } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { type Rule, checkOptions, isNumbers, required } from '../options.js';
import { cast, mul, sub } from './elementwise.js';
import { reshape } from './shape.js';

/** Statistics of the training data, one number a channel, in the units of the data: 0 … 255 for bytes. */
export interface NormalizeOptions {
  /** Taken from each channel. */
  readonly mean: readonly number[] | Float64Array | Float32Array;
  /** What each channel is then divided by; 0 for one that never changes, which only loses its mean. */
  readonly std: readonly number[] | Float64Array | Float32Array;
}

/** Statistics as they are kept. */
export interface ChannelStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const numbers = (expected: string, test: (n: number) => boolean): Rule =>
  required({ expected, accepts: (value) => isNumbers(value, test) && (value as ArrayLike<number>).length > 0 });
const means = numbers('a list of numbers, one a channel', () => true);
const deviations = numbers('a list of numbers ≥ 0, one a channel', (n) => n >= 0);

/** @throws OptionError unless mean and std are lists of one length and std ≥ 0 */
export function channelStatistics(what: string, options: NormalizeOptions): ChannelStatistics {
  if (options instanceof Tensor) {
    throw new OptionError(
      `${what}: expected an object of options { mean, std }, got Tensor. Vectors of length 1 are div(x, maximum(norm(x, { axes: -1, keepDims: true }), 1e-12)). For mean and std in a model there is the layer Normalize.`,
    );
  }
  const { mean, std } = checkOptions(what, options, { mean: means, std: deviations });
  if (mean.length !== std.length)
    throw new OptionError(`${what}: expected as many values for std as for mean, got ${std.length} and ${mean.length}.`);
  return { mean: [...mean], std: [...std] };
}

/** (x − mean) / std by channel, a std of 0 as 1 */
export function normalized(what: string, x: Tensor, { mean, std }: ChannelStatistics): Tensor {
  const channels = x.shape.at(-1);
  if (channels !== mean.length) {
    throw new ShapeError(`${what}: expected x of shape [..., ${mean.length}], one channel for each mean, got ${formatShape(x.shape)}.`);
  }
  const floats = cast(x, 'float32');
  // Images: a whole row at a time, for a map runs slowly along three channels.
  const joined: Shape = x.rank >= 3 ? [...x.shape.slice(0, -2), x.shape.at(-2)! * channels] : x.shape;
  const repeated = (values: readonly number[]): Tensor | number =>
    channels === 1 ? values[0]! : constant(Float32Array.from({ length: joined.at(-1)! }, (_, i) => values[i % channels]!));
  return reshape(mul(sub(reshape(floats, joined), repeated(mean)), repeated(std.map((s) => 1 / (s || 1)))), x.shape);
}
