/** Losses of a difference: MSELoss, L1Loss, HuberLoss. */
import type { Tensor } from '../graph/tensor.js';
import { abs, lessEqual, mul, square, sub, where } from '../ops/index.js';
import { checkOptions, positive } from '../options.js';
import { Loss, type Reduction } from './loss.js';
import { type ReductionOptions, checkSameShape, reduceLoss, reductionRule } from './reduction.js';

/**
 * Measures the squared error.
 *
 * ℓ = (prediction − target)², mean or sum over all elements.   prediction [...], target [...] → []
 *
 * @throws OptionError for a wrong option; ShapeError if the shapes differ
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MSELoss.html
 */
export class MSELoss extends Loss {
  readonly reduction: Reduction;

  constructor(options: ReductionOptions = {}) {
    super();
    checkOptions('MSELoss', options, { reduction: reductionRule });
    this.reduction = options.reduction ?? 'mean';
  }

  forward(prediction: Tensor, target: Tensor): Tensor {
    checkSameShape('MSELoss', prediction, target);
    return reduceLoss(square(sub(prediction, target)), this.reduction);
  }
}

/**
 * Measures the absolute error.
 *
 * ℓ = |prediction − target|, mean or sum over all elements; gradient 0 where equal.   prediction [...], target [...] → []
 *
 * @throws OptionError for a wrong option; ShapeError if the shapes differ
 * @see https://pytorch.org/docs/stable/generated/torch.nn.L1Loss.html
 */
export class L1Loss extends Loss {
  readonly reduction: Reduction;

  constructor(options: ReductionOptions = {}) {
    super();
    checkOptions('L1Loss', options, { reduction: reductionRule });
    this.reduction = options.reduction ?? 'mean';
  }

  forward(prediction: Tensor, target: Tensor): Tensor {
    checkSameShape('L1Loss', prediction, target);
    return reduceLoss(abs(sub(prediction, target)), this.reduction);
  }
}

/** Options of {@link HuberLoss}. */
export interface HuberLossOptions extends ReductionOptions {
  /** Error at which the loss goes on as a line. Default: 1. */
  readonly delta?: number;
}

/**
 * Measures the squared error, but large errors only linearly.
 *
 * ℓ = |d| ≤ delta ? ½ d² : delta · (|d| − ½ delta) with d = prediction − target, mean or sum over all elements.
 * prediction [...], target [...] → []
 *
 * @throws OptionError unless delta > 0 or for another wrong option; ShapeError if the shapes differ
 * @see Huber 1964; https://pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html
 */
export class HuberLoss extends Loss {
  readonly delta: number;
  readonly reduction: Reduction;

  constructor(options: HuberLossOptions = {}) {
    super();
    checkOptions('HuberLoss', options, { delta: positive, reduction: reductionRule });
    this.delta = options.delta ?? 1;
    this.reduction = options.reduction ?? 'mean';
  }

  forward(prediction: Tensor, target: Tensor): Tensor {
    checkSameShape('HuberLoss', prediction, target);
    const d = sub(prediction, target);
    const size = abs(d);
    const loss = where(lessEqual(size, this.delta), mul(square(d), 0.5), mul(sub(size, this.delta / 2), this.delta));
    return reduceLoss(loss, this.reduction);
  }
}
