import { OptionError, ShapeError } from '../../errors.js';
import { iota } from '../../graph/source.js';
import type { Tensor } from '../../graph/tensor.js';
import { add, cast, cos, div, exp, expm1, floor, greaterEqual, log, maximum, mul, neg, sqrt, square, sub } from '../../ops/elementwise.js';
import { gatherRows, knownIds, oneHot } from '../../ops/gather.js';
import { reshape } from '../../ops/shape.js';
import { checkOptions, count, positive } from '../../options.js';
import { type Augmentation, floats, formatBatch } from './augmentation.js';
import { drawn } from './draw.js';

/** Options of {@link mixup}. */
export interface MixupOptions {
  /** Shape of Beta(alpha, alpha), > 0: the smaller, the nearer the shares are to 0 and 1; 1 is uniform. Default: 1. */
  readonly alpha?: number | undefined;
  /** Number of classes: for targets [N] that are class ids, of any element type, and for no others. */
  readonly classes?: number | undefined;
}

/**
 * Mixes each row of a batch with another row of it, and their targets likewise. Class ids [N] become probabilities [N, classes], which
 * CrossEntropyLoss takes; the accuracy of the training steps then counts the class with the larger share. Without
 * classes numbers of a regression, float32 [N] or [N, C], are mixed as they are; a loss by class ids refuses the mixture of float ids.
 *
 * y = λ · x + (1 − λ) · x', λ from Beta(alpha, alpha), one for each row.   x [N, ...], targets [N] or [N, classes]
 *
 * The partner is the row r places on, around the end of the batch, with one r of 1 … N − 1 for all rows of a step. λ is exact and takes
 * two uniform numbers: with t of Student's distribution of 2·alpha degrees of freedom, ½ + t / (2·√(2·alpha + t²)) has the
 * distribution Beta(alpha, alpha), and t has a polar form that rejects nothing.
 *
 * Every row needs a class: there is nothing to ignore in a mixture, so an id outside 0 … classes − 1, such as a loss's `ignoreIndex`,
 * stops the step. Leave such rows out of the data.
 *
 * The `sampleWeight` of a row weighs the loss of its mixture, whatever that of the partner: leave rows that are to count nothing out of the data.
 *
 * @throws OptionError for options out of range, and without classes where the targets are ids; ShapeError for other targets;
 *   DataError while training for an id that is no class
 * @see Zhang et al. 2018, https://arxiv.org/abs/1710.09412
 * @see Bailey 1994, Polar generation of random variates with the t-distribution, Mathematics of Computation 62
 */
export function mixup(options: MixupOptions = {}): Augmentation {
  const { alpha = 1, classes } = checkOptions('mixup', options, { alpha: positive, classes: count });
  return {
    name: 'mixup',
    forward: ({ x, y }, scope) => {
      const n = x.shape[0]!;
      const targets = mixable(y, classes);
      const [share, angle] = drawn(scope, n, 2);
      const lambda = reshape(symmetricBeta(share!, angle!, alpha), [n]);
      const partner = nextRows(n, scope.uniform([1]));
      const mixed = (values: Tensor): Tensor => {
        const weight = reshape(lambda, [n, ...values.shape.slice(1).map(() => 1)]);
        return add(mul(weight, floats(values)), mul(sub(1, weight), floats(gatherRows(values, partner))));
      };
      return { x: mixed(x), y: mixed(targets) };
    },
  };
}

/** Targets as numbers that can be mixed: class ids as rows of probabilities. */
function mixable(y: Tensor, classes: number | undefined): Tensor {
  if (y.rank === 2 && (classes === undefined || y.shape[1] === classes)) return y;
  if (y.rank !== 1)
    throw new ShapeError(
      `mixup: expected class ids [N], numbers [N] or probabilities [N, ${classes ?? 'classes'}] for the targets, got ${formatBatch(y)}.`,
    );
  if (classes !== undefined) return oneHot(knownIds('ids', y, classes), classes);
  if (y.dtype !== 'float32')
    throw new OptionError('mixup: expected the number of classes for targets that are class ids, got none. Give it: mixup({ classes }).');
  return y;
}

/** Beta(alpha, alpha) from two uniform numbers in [0, 1). */
function symmetricBeta(u: Tensor, v: Tensor, alpha: number): Tensor {
  // q = (1 − u)^(1/alpha), and 1 − q without the loss of digits where q is near 1.
  const exponent = div(log(sub(1, u)), alpha);
  const rest = neg(expm1(exponent));
  const c = cos(mul(v, 2 * Math.PI));
  // q underflows for small alpha; then λ is 0 or 1, by the sign of c.
  const length = maximum(sqrt(add(exp(exponent), mul(rest, square(c)))), 1e-18);
  return add(0.5, mul(0.5, div(mul(c, sqrt(rest)), length)));
}

/** (i + r) mod n for i = 0 … n − 1, with r of 1 … n − 1 from u [1] in [0, 1). */
function nextRows(n: number, u: Tensor): Tensor {
  const moved = add(iota(n), add(floor(mul(u, n - 1)), 1));
  return cast(sub(moved, mul(greaterEqual(moved, n), n)), 'int32');
}
