import type { NdArray } from '../array.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { pickAny } from '../ops/gather.js';
import { equal, neg, sum, where } from '../ops/index.js';
import { checkOptions, integer, weights } from '../options.js';
import { type ClassWeighting, checkIdShape, checkWeight, lossIds, rowWeights, validateIds } from './class-ids.js';
import { Loss, type Reduction } from './loss.js';
import { type ReductionOptions, reduceWeighted, reductionRule } from './reduction.js';

/** Options of {@link NLLLoss}. */
export interface NLLLossOptions extends ReductionOptions {
  /** A weight for each class. Default: all 1. */
  readonly weight?: readonly number[] | Float32Array | undefined;
  /** Rows of this class id count nothing. Default: none. */
  readonly ignoreIndex?: number | undefined;
}

/**
 * Measures the negative log-likelihood of the target classes; the prediction is logarithms of probabilities (LogSoftmax).
 *
 * ℓ = −w_y · logp_y; the mean is Σ ℓ / Σ w_y, ignored rows left out.   logp [..., C], target class ids y [...] → []
 *
 * @throws OptionError for wrong options; ShapeError for a prediction without a dimension of classes beside the rows, or if target or weight do not fit it; DataError for ids that are no class, also where
 *   they come past `validate`
 * @see https://pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html (classes there are dimension 1, here the last)
 */
export class NLLLoss extends Loss {
  readonly weighting: ClassWeighting;
  override readonly reduction: Reduction;

  constructor(options: NLLLossOptions = {}) {
    super();
    const rules = { weight: weights, ignoreIndex: integer, reduction: reductionRule };
    const { weight, ignoreIndex, reduction = 'mean' } = checkOptions('NLLLoss', options, rules);
    this.weighting = { weight: weight && Float32Array.from(weight), ignoreIndex };
    this.reduction = reduction;
  }

  forward(logp: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor {
    checkIdShape('NLLLoss', logp, target);
    const classes = logp.shape.at(-1)!;
    checkWeight('NLLLoss', this.weighting.weight, classes);
    const { ignoreIndex } = this.weighting;
    // Of ignored rows nothing is taken: 0 · ∞ would be NaN.
    const known = lossIds(target, classes, ignoreIndex);
    const ids = ignoreIndex === undefined ? known : where(equal(known, ignoreIndex), -1, known);
    return reduceWeighted(neg(pickAny(logp, ids)), rowWeights(target, classes, this.weighting, sampleWeight), this.reduction);
  }

  override weight(logp: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor | undefined {
    const weights = rowWeights(target, logp.shape.at(-1)!, this.weighting, sampleWeight);
    return weights && sum(weights);
  }

  /** Looks for class ids out of range. */
  override validate(target: NdArray, predictionShape: Shape): void {
    if (target.rank === predictionShape.length - 1) validateIds('NLLLoss', target, predictionShape.at(-1)!, this.weighting.ignoreIndex);
  }
}
