/** What the losses share: their reduction and their checks of shapes. */
import { ShapeError, formatShape } from '../errors.js';
import { type Shape, sameShape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { checkTensors } from '../ops/arguments.js';
import { broadcastTo, div, equal, mean, mul, reshape, sum, where } from '../ops/index.js';
import { oneOf, type Rule } from '../options.js';
import type { Reduction } from './loss.js';

/** How a loss becomes one number. */
export interface ReductionOptions {
  /** How the losses of the elements become one number. Default: 'mean'. */
  readonly reduction?: Reduction | undefined;
}

export const reductionRule: Rule = oneOf('mean', 'sum');

/** Mean or sum of the losses, weighted: Σ wᵢ ℓᵢ, for the mean divided by Σ wᵢ; what is ignored has w = 0. Without weights each counts 1. */
export function reduceWeighted(losses: Tensor, weights: Tensor | undefined, reduction: Reduction): Tensor {
  if (weights === undefined) return reduceLoss(losses, reduction);
  return reduction === 'sum' ? weightedSum(losses, weights) : weightedMean(losses, weights);
}

export function reduceLoss(losses: Tensor, reduction: Reduction): Tensor {
  switch (reduction) {
    case 'mean':
      return mean(losses);
    case 'sum':
      return sum(losses);
    default:
      return reduction satisfies never;
  }
}

/** x where it counts, `kept` not being 0, 0 elsewhere, with gradients of 0: whatever it is there, times a weight of 0 it might be NaN. */
export function keptOnly(x: Tensor, kept: Tensor | undefined): Tensor {
  return kept === undefined ? x : where(kept, x, 0);
}

/** Rows of x [N, ...] that count, their weight not being 0, 0 in place of others. */
export function rowsOnly(x: Tensor, sampleWeight: Tensor | undefined): Tensor {
  return keptOnly(x, sampleWeight && columnOf(sampleWeight, x.shape));
}

/** Weights of rows [N] as factors of losses of this shape [N, ...]; beside `kept`, which are factors already. */
export function perLoss(shape: Shape, kept: Tensor | undefined, sampleWeight: Tensor | undefined): Tensor | undefined {
  if (sampleWeight === undefined) return kept;
  const column = columnOf(sampleWeight, shape);
  return kept === undefined ? broadcastTo(column, shape) : mul(kept, column);
}

/** [N] → [N, 1, ...], of as many dimensions as the shape */
function columnOf(sampleWeight: Tensor, shape: Shape): Tensor {
  return reshape(sampleWeight, shape.map((n, i) => (i === 0 ? n : 1))); // prettier-ignore
}

/** Σ wᵢ ℓᵢ / Σ wᵢ; 0, with gradients of 0, where nothing counts. */
export function weightedMean(losses: Tensor, weights: Tensor): Tensor {
  return perWeight(weightedSum(losses, weights), sum(weights));
}

/** Σ wᵢ ℓᵢ without those that count nothing, of which 0 · ∞ would be NaN. */
function weightedSum(losses: Tensor, weights: Tensor): Tensor {
  return sum(where(weights, mul(losses, weights), 0));
}

/** total / weight; 0, with gradients of 0, where the weight is 0. */
export function perWeight(total: Tensor, weight: Tensor): Tensor {
  const nothing = equal(weight, 0);
  return where(nothing, 0, div(total, where(nothing, 1, weight)));
}

/** @throws DTypeError unless both are tensors, ShapeError of different shapes. No broadcasting: [N, 1] against [N] would silently compare every prediction with every target. */
export function checkSameShape(what: string, prediction: Tensor, target: Tensor): void {
  checkTensors(what, { prediction, target });
  if (!sameShape(prediction.shape, target.shape)) {
    throw new ShapeError(
      `${what}: expected target of the shape of the prediction ${formatShape(prediction.shape)}, got ${formatShape(target.shape)}. Reshape the target or change the last layer.`,
    );
  }
}
