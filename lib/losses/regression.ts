/** Losses of a difference: MSELoss, L1Loss, HuberLoss. */
import type { Tensor } from '../graph/tensor.js';
import { abs, add, clip, maximum, mul, square, sub } from '../ops/index.js';
import { checkOptions, positiveFloat } from '../options.js';
import { ElementwiseLoss, type ElementwiseLossOptions, elementwiseLossRules } from './elementwise-loss.js';

/**
 * Measures the squared error.
 *
 * ℓ = (prediction − target)², mean or sum over all elements.   prediction [...], target [...] → []
 *
 * @throws OptionError for a wrong option; ShapeError if the shapes differ; DataError from fit and evaluate for targets that are not finite
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MSELoss.html
 */
export class MSELoss extends ElementwiseLoss {
  constructor(options: ElementwiseLossOptions = {}) {
    super(checkOptions('MSELoss', options, elementwiseLossRules));
  }

  losses(prediction: Tensor, target: Tensor): Tensor {
    return square(sub(prediction, target));
  }
}

/**
 * Measures the absolute error.
 *
 * ℓ = |prediction − target|, mean or sum over all elements; gradient 0 where equal.   prediction [...], target [...] → []
 *
 * @throws OptionError for a wrong option; ShapeError if the shapes differ; DataError from fit and evaluate for targets that are not finite
 * @see https://pytorch.org/docs/stable/generated/torch.nn.L1Loss.html
 */
export class L1Loss extends ElementwiseLoss {
  constructor(options: ElementwiseLossOptions = {}) {
    super(checkOptions('L1Loss', options, elementwiseLossRules));
  }

  losses(prediction: Tensor, target: Tensor): Tensor {
    return abs(sub(prediction, target));
  }
}

/** Options of {@link HuberLoss}. */
export interface HuberLossOptions extends ElementwiseLossOptions {
  /** Error at which the loss goes on as a line. Default: 1. */
  readonly delta?: number | undefined;
}

/**
 * Measures the squared error, but large errors only linearly.
 *
 * ℓ = |d| ≤ delta ? ½ d² : delta · (|d| − ½ delta) with d = prediction − target, mean or sum over all elements.
 * prediction [...], target [...] → []
 *
 * @throws OptionError unless delta > 0 or for another wrong option; ShapeError if the shapes differ; DataError from fit and evaluate for targets that are not finite
 * @see Huber 1964; https://pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html
 */
export class HuberLoss extends ElementwiseLoss {
  readonly delta: number;

  constructor(options: HuberLossOptions = {}) {
    const { delta = 1, ...rest } = checkOptions('HuberLoss', options, { ...elementwiseLossRules, delta: positiveFloat });
    super(rest);
    this.delta = delta;
  }

  losses(prediction: Tensor, target: Tensor): Tensor {
    const d = sub(prediction, target);
    // Two parts that both count instead of a choice: the gradient of what is not chosen would be 0 · ∞ for large errors.
    const within = clip(d, -this.delta, this.delta);
    const beyond = maximum(sub(abs(d), this.delta), 0);
    return add(mul(square(within), 0.5), mul(beyond, this.delta));
  }
}
