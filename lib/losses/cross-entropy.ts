import type { NdArray } from '../array.js';
import { DataError, ShapeError, formatShape } from '../errors.js';
import { constant } from '../graph/source.js';
import { type Shape, sameShape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { checkTensors } from '../ops/arguments.js';
import { add, crossEntropy, full, logSoftmax, mul, neg, oneHot, reshape, sum } from '../ops/index.js';
import { type Rules, checkOptions, integer, unit, weights } from '../options.js';
import {
  type ClassWeighting,
  checkScores,
  checkWeight,
  keptRows,
  lossIds,
  noIgnoreIndex,
  ofOneScore,
  positionOf,
  rowWeights,
  validateIds,
  sumTolerance,
} from './class-ids.js';
import { Loss, type Reduction } from './loss.js';
import { type ReductionOptions, keptOnly, perLoss, perWeight, reduceLoss, reduceWeighted, reductionRule, rowsOnly } from './reduction.js';

/** Options of {@link CrossEntropyLoss}. */
export interface CrossEntropyLossOptions extends ReductionOptions {
  /** A weight for each class. Default: all 1. */
  readonly weight?: readonly number[] | Float32Array | undefined;
  /** How much of each target is spread evenly over the classes, in [0, 1]. Default: 0. */
  readonly labelSmoothing?: number | undefined;
  /** Rows of this class id count nothing. Default: none. Not for probabilities. */
  readonly ignoreIndex?: number | undefined;
}

const rules: Rules<CrossEntropyLossOptions> = { weight: weights, labelSmoothing: unit, ignoreIndex: integer, reduction: reductionRule };

/**
 * Measures how far softmax(logits) is from the target.
 *
 * ℓ = −Σ_c w_c · q_c · log softmax(logits)_c with q = (1 − labelSmoothing) · target + labelSmoothing / C, class ids standing for
 * one-hot rows.   logits [..., C], target class ids [...] or probabilities [..., C] → []
 *
 * The mean divides by Σ w of the rows' classes for class ids, ignored rows left out, and by the number of rows for probabilities.
 *
 * @throws OptionError for wrong options; ShapeError for logits without a dimension of classes beside the rows, or if target or weight do not fit them; DataError for ids that are no class, also
 *   where they come past `validate`; probabilities that are none are refused by `validate` alone
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html (classes there are dimension 1, here the last)
 */
export class CrossEntropyLoss extends Loss {
  readonly weighting: ClassWeighting;
  readonly labelSmoothing: number;
  override readonly reduction: Reduction;

  constructor(options: CrossEntropyLossOptions = {}) {
    super();
    const { weight, ignoreIndex, labelSmoothing = 0, reduction = 'mean' } = checkOptions('CrossEntropyLoss', options, rules);
    this.weighting = { weight: weight && Float32Array.from(weight), ignoreIndex };
    this.labelSmoothing = labelSmoothing;
    this.reduction = reduction;
  }

  forward(logits: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor {
    checkTensors('CrossEntropyLoss', { logits, target });
    checkScores('CrossEntropyLoss', logits.shape);
    const ofIds = sameShape(target.shape, logits.shape.slice(0, -1));
    if (!ofIds && !sameShape(target.shape, logits.shape)) {
      throw new ShapeError(
        `CrossEntropyLoss: expected class ids of shape ${formatShape(logits.shape.slice(0, -1))} or probabilities of shape ${formatShape(logits.shape)} for target, got ${formatShape(target.shape)}. Reshape the target or change the last layer.`,
      );
    }
    checkWeight('CrossEntropyLoss', this.weighting.weight, logits.shape.at(-1)!);
    return ofIds ? this.ofIds(logits, target, sampleWeight) : this.ofProbabilities(logits, target, sampleWeight);
  }

  override weight(logits: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor | undefined {
    const rows = logits.shape.slice(0, -1);
    const ofIds = target.rank < logits.rank;
    if (!ofIds) return sum(perLoss(rows, undefined, sampleWeight) ?? full(rows, 1));
    const weights = rowWeights(target, logits.shape.at(-1)!, this.weighting, sampleWeight);
    return weights && sum(weights);
  }

  /** Looks for class ids out of range, or probabilities that are none or do not sum to 1. */
  override validate(target: NdArray, predictionShape: Shape): void {
    const classes = predictionShape.at(-1)!;
    if (target.rank === predictionShape.length - 1) {
      validateIds('CrossEntropyLoss', target, classes, this.weighting.ignoreIndex);
    } else if (target.rank === predictionShape.length && target.shape.at(-1) === classes) {
      validateProbabilities(target, classes);
    }
  }

  private ofIds(logits: Tensor, target: Tensor, sampleWeight: Tensor | undefined): Tensor {
    const classes = logits.shape.at(-1)!;
    // The operation refuses whole ids that are no class itself.
    const isChecked = this.labelSmoothing === 0 && target.dtype !== 'float32';
    const ids = isChecked ? target : lossIds(target, classes, this.weighting.ignoreIndex);
    const { ignoreIndex = noIgnoreIndex } = this.weighting;
    if (this.labelSmoothing === 0) {
      const weights = rowWeights(ids, classes, this.weighting, sampleWeight);
      const leavesOut = sampleWeight !== undefined || this.weighting.weight?.includes(0) === true;
      const known = leavesOut ? keptOnly(logits, reshape(weights!, [...ids.shape, 1])) : logits;
      return reduceWeighted(crossEntropy(known, ids, ignoreIndex), weights, this.reduction);
    }
    const weights = perLoss(ids.shape, keptRows(ids, this.weighting.ignoreIndex), sampleWeight);
    const known = keptOnly(logits, weights && reshape(weights, [...weights.shape, 1]));
    // The losses have the weights of classes in them.
    const losses = mul(this.softLosses(known, oneHot(ids, classes)), weights ?? 1);
    const total = this.weight(logits, ids, sampleWeight);
    if (this.reduction === 'sum' || total === undefined) return reduceLoss(losses, this.reduction);
    return perWeight(sum(losses), total);
  }

  private ofProbabilities(logits: Tensor, probabilities: Tensor, sampleWeight: Tensor | undefined): Tensor {
    const weights = perLoss(logits.shape.slice(0, -1), undefined, sampleWeight);
    const losses = this.softLosses(rowsOnly(logits, sampleWeight), rowsOnly(probabilities, sampleWeight));
    return reduceWeighted(losses, weights, this.reduction);
  }

  /** −Σ_c w_c · q_c · log softmax(logits)_c for each row */
  private softLosses(logits: Tensor, target: Tensor): Tensor {
    const classes = logits.shape.at(-1)!;
    const { weight } = this.weighting;
    const q = this.labelSmoothing === 0 ? target : add(mul(target, 1 - this.labelSmoothing), this.labelSmoothing / classes);
    const weighted = weight === undefined ? q : mul(q, constant(weight));
    return neg(sum(mul(weighted, logSoftmax(logits)), { axes: -1 }));
  }
}

function validateProbabilities(target: NdArray, classes: number): void {
  const { data } = target;
  for (let row = 0; row * classes < data.length; row++) {
    let total = 0;
    for (let i = row * classes; i < (row + 1) * classes; i++) {
      const p = data[i]!;
      if (!(p >= 0 && p <= 1)) {
        throw new DataError(
          `CrossEntropyLoss: expected probabilities in [0, 1], got ${p} at row ${positionOf(i, target)}. ${adviceFor(classes)}`,
        );
      }
      total += p;
    }
    if (Math.abs(total - 1) > sumTolerance) {
      throw new DataError(`CrossEntropyLoss: expected probabilities that sum to 1, got ${total} at row ${row}. ${adviceFor(classes)}`);
    }
  }
}

function adviceFor(classes: number): string {
  return classes === 1 ? ofOneScore : 'Use class ids or normalise the rows.';
}
