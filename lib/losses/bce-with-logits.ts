import type { NdArray } from '../array.js';
import { ShapeError } from '../errors.js';
import { constant } from '../graph/source.js';
import type { Tensor } from '../graph/tensor.js';
import { abs, add, customGradient, exp, log1p, maximum, mul, neg, sub } from '../ops/index.js';
import { softplusSlope } from '../ops/elementwise.js';
import { checkOptions, either, nonNegative, weights } from '../options.js';
import { ElementwiseLoss, type ElementwiseLossOptions, elementwiseLossRules, validateUnit } from './elementwise-loss.js';

/** Options of {@link BCEWithLogitsLoss}. */
export interface BCEWithLogitsLossOptions extends ElementwiseLossOptions {
  /** Weight of the positive side: one number, or one for each of the last dimension. Default: 1. */
  readonly posWeight?: number | readonly number[] | Float32Array | undefined;
}

/**
 * Measures the binary cross-entropy of sigmoid(logits), without overflow.
 *
 * ℓ = (1 − y) · ln(1 + eˣ) + posWeight · y · ln(1 + e⁻ˣ), mean or sum over all elements.
 * logits x [...], target y [...] in [0, 1] → []
 *
 * Targets beyond [0, 1] are refused by `validate` alone, which fit and evaluate call: a loss that has this one in it calls it in its own `validate`.
 *
 * @throws OptionError for wrong options; ShapeError if the shapes differ or posWeight does not fit; DataError from fit and evaluate for targets beyond [0, 1]
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
 */
export class BCEWithLogitsLoss extends ElementwiseLoss {
  readonly posWeight: number | Float32Array;

  constructor(options: BCEWithLogitsLossOptions = {}) {
    const rules = { ...elementwiseLossRules, posWeight: either(nonNegative, weights) };
    const { posWeight = 1, ...rest } = checkOptions('BCEWithLogitsLoss', options, rules);
    super(rest);
    this.posWeight = typeof posWeight === 'number' ? posWeight : Float32Array.from(posWeight);
  }

  losses(x: Tensor, y: Tensor): Tensor {
    // ln(1 + e^±x) = max(±x, 0) + ln(1 + e^−|x|): nothing that cancels where one of the two is small.
    const near = log1p(exp(neg(abs(x))));
    const up = customGradient(add(maximum(x, 0), near), [x], (dy) => [mul(dy, softplusSlope(x))]);
    const down = customGradient(add(maximum(neg(x), 0), near), [x], (dy) => [neg(mul(dy, softplusSlope(neg(x))))]);
    return add(mul(sub(1, y), up), mul(this.positive(x, y), down));
  }

  /** Looks for targets that are no probabilities. */
  override validate(target: NdArray): void {
    validateUnit('BCEWithLogitsLoss', target, this.ignoreNaN, 'Scale or relabel the targets.');
  }

  /** posWeight · y */
  private positive(x: Tensor, y: Tensor): Tensor {
    const { posWeight } = this;
    if (typeof posWeight === 'number') return mul(y, posWeight);
    if (posWeight.length !== x.shape.at(-1)) {
      throw new ShapeError(
        `BCEWithLogitsLoss: expected ${x.shape.at(-1) ?? 1} values for posWeight, one for each of the last dimension, got ${posWeight.length}.`,
      );
    }
    return mul(y, constant(posWeight));
  }
}
