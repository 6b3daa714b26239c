/** Random numbers of a stream that the caller chooses: none is one that a model or an augmentation draws from. */
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { type Rule, check } from '../options.js';
import { checkedSeed } from '../random.js';
import { programStreams } from '../streams.js';
import { randomNormal as normalOf, randomUniform as uniformOf } from './random.js';

const streamRule: Rule = {
  expected: '0 … 2²⁹ − 1',
  accepts: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < programStreams.augmentations - programStreams.chosen,
};

/**
 * Uniform in [0, 1), new at every step, from Philox4x32-10 (Salmon et al. 2011). A layer draws by `scope.uniform(shape)`, which counts the
 * streams itself; a loss or a function has no scope and chooses one, another for each draw:
 * ```ts
 * class NoisyTargets extends Loss {
 *   forward(prediction: Tensor, target: Tensor): Tensor {
 *     return mean(square(sub(prediction, add(target, mul(randomNormal(target.shape, 7, 0), 0.1)))));
 *   }
 * }
 * ```
 * @param seed the key, a whole number ≥ 0 (a bigint below 2⁶⁴)
 * @param stream tells draws of one step apart, 0 … 2²⁹ − 1: those of one seed and stream are the same numbers. Layers and augmentations have others.
 * @throws ShapeError unless shape is a list of sizes; OptionError if seed or stream is out of range
 */
export function randomUniform(shape: Shape, seed: number | bigint, stream: number): Tensor {
  return uniformOf(shape, ...chosen('randomUniform', seed, stream));
}

/**
 * Standard normal, new at every step: √(−2 ln(1 − u)) · cos(2πv) of two uniform numbers (Box and Muller 1958). Seed and stream as in randomUniform.
 * @throws ShapeError, OptionError as randomUniform
 */
export function randomNormal(shape: Shape, seed: number | bigint, stream: number): Tensor {
  return normalOf(shape, ...chosen('randomNormal', seed, stream));
}

function chosen(what: string, seed: number | bigint, stream: number): readonly [seed: bigint, stream: number] {
  const key = checkedSeed(what, seed);
  check(what, 'stream', stream, streamRule);
  return [key, programStreams.chosen + stream];
}
