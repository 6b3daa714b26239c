import type { NdArray } from '../array.js';
import { OptionError, ShapeError, formatShape } from '../errors.js';
import { apply } from '../graph/operation.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { keptOnly } from '../losses/reduction.js';
import { ScatterAddRows } from '../ops/gather.js';
import { add, cast, clip, equal, mul, reshape, stack, sub, where } from '../ops/index.js';
import { checkOptions, finite, tuple } from '../options.js';
import { checkTargets, decisions } from './classes.js';
import { Metric } from './metric.js';
import { shareOfPairs } from './ranking.js';

/** Options of {@link auc}. */
export interface AucOptions {
  /** Least and largest score that are told from those beyond. Default: [−16, 16], right for logits; use [0, 1] after Sigmoid. */
  readonly range?: readonly [low: number, high: number] | undefined;
}

/** A step leaves two counts of each, 4 KB. */
const buckets = 512;

class Auc extends Metric {
  readonly name = 'auc';
  override readonly better = 'max';

  constructor(
    private readonly low: number,
    private readonly high: number,
  ) {
    super();
  }

  /** → [2 · buckets]: positive and negative rows in each bucket */
  forward(scores: Tensor, target: Tensor): Tensor {
    const rows = decisions('auc', scores, target, {});
    if (rows === undefined) {
      throw new ShapeError(
        `auc: expected one score a row, [N] or [N, 1], and as many targets, got ${formatShape(scores.shape)} and ${formatShape(target.shape)}. Of several columns give one: auc().as(name, part).`,
      );
    }
    const flat = (x: Tensor): Tensor => reshape(x, [-1]);
    const [actual, counts] = [flat(rows.actual), flat(rows.counts)];
    const at = clip(mul(sub(keptOnly(flat(scores), counts), this.low), buckets / (this.high - this.low)), 0, buckets - 1);
    const both = stack([mul(actual, counts), mul(sub(1, actual), counts)], -1);
    // A score that is NaN is in no bucket, and makes all of them NaN.
    const missing = reshape(mul(at, 0), [-1, 1]);
    const ids = cast(where(equal(at, at), at, 0), 'int32');
    return flat(apply(new ScatterAddRows(buckets), add(both, missing), ids));
  }

  /** Looks for targets that are no probabilities. */
  override validate(target: NdArray, predictionShape: Shape): void {
    checkTargets('auc', target, predictionShape);
  }

  override combine(total: Float64Array, batch: Float32Array): void {
    for (let i = 0; i < total.length; i++) total[i]! += batch[i]!;
  }

  override finish(counts: Float64Array): number {
    return shareOfPairs(counts);
  }
}

/**
 * Area under the receiver operating characteristic, as {@link rocAuc}, of all rows however they fall into batches: to be watched while a model trains.
 *
 * Scores are counted in 512 equal buckets over `range`, by default ¹⁄₁₆ of a logit each; of two rows in one bucket nobody knows which is higher, and they count half. So it
 * is off by at most half the share of pairs of a positive and a negative row that share a bucket. NaN if a score that counts is NaN or all rows are of one kind.
 *
 * scores [N] or [N, 1], targets [N] or [N, 1]: positive above ½, not counted where NaN
 *
 * @throws OptionError unless range is two numbers, the lower first; from fit and evaluate ShapeError if the shapes do not fit, DataError for targets beyond [0, 1]
 * @see https://keras.io/api/metrics/classification_metrics/#auc-class (200 thresholds over probabilities)
 */
export function auc(options: AucOptions = {}): Metric {
  const { range: [low, high] = [-16, 16] } = checkOptions('auc', options, { range: tuple(2, finite) });
  if (low >= high) throw new OptionError(`auc: expected the lower number first for range, got ${low} and ${high}.`);
  return new Auc(low, high);
}
