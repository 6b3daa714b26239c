import type { Tensor } from '../graph/tensor.js';
import { equal, sum, where } from '../ops/index.js';
import { type Rules, boolean } from '../options.js';
import { Loss, type Reduction } from './loss.js';
import { type ReductionOptions, checkSameShape, perLoss, reduceWeighted, reductionRule } from './reduction.js';

/** Options of losses that compare element by element. */
export interface ElementwiseLossOptions extends ReductionOptions {
  /** Targets that are NaN count nothing: values that are missing, or lie behind the end of a sequence. Default: false. */
  readonly ignoreNaN?: boolean | undefined;
}

export const elementwiseLossRules: Rules<ElementwiseLossOptions> = { reduction: reductionRule, ignoreNaN: boolean };

/** A loss of each element, and the mean or sum of those that count. */
export abstract class ElementwiseLoss extends Loss {
  override readonly reduction: Reduction;
  readonly ignoreNaN: boolean;

  constructor({ reduction = 'mean', ignoreNaN = false }: ElementwiseLossOptions = {}) {
    super();
    this.reduction = reduction;
    this.ignoreNaN = ignoreNaN;
  }

  /** The loss of each element; the shapes are equal. */
  abstract losses(prediction: Tensor, target: Tensor): Tensor;

  forward(prediction: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor {
    checkSameShape(this.constructor.name, prediction, target);
    // NaN must not come near the loss: its gradient would be 0 · NaN.
    const losses = this.losses(prediction, this.ignoreNaN ? where(counted(target), target, 0) : target);
    return reduceWeighted(losses, this.weights(target, sampleWeight), this.reduction);
  }

  override weight(_prediction: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor | undefined {
    const weights = this.weights(target, sampleWeight);
    return weights && sum(weights);
  }

  /** How much each element counts; undefined: all 1. */
  private weights(target: Tensor, sampleWeight: Tensor | undefined): Tensor | undefined {
    return perLoss(target.shape, this.ignoreNaN ? counted(target) : undefined, sampleWeight);
  }
}

/** 1 where a target is a number, 0 where it is NaN. */
export function counted(target: Tensor): Tensor {
  return equal(target, target);
}
