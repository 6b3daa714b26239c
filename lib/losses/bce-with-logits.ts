import type { NdArray } from '../array.js';
import { DataError, ShapeError } from '../errors.js';
import { constant } from '../graph/source.js';
import type { Tensor } from '../graph/tensor.js';
import { type Operand, add, mul, neg, softplus, sub } from '../ops/index.js';
import { checkOptions, either, nonNegative, weights } from '../options.js';
import { positionOf } from './class-ids.js';
import { ElementwiseLoss, type ElementwiseLossOptions, elementwiseLossRules } from './elementwise-loss.js';

/** Options of {@link BCEWithLogitsLoss}. */
export interface BCEWithLogitsLossOptions extends ElementwiseLossOptions {
  /** Weight of the positive side: one number, or one for each of the last dimension. Default: 1. */
  readonly posWeight?: number | readonly number[] | Float32Array | undefined;
}

/**
 * Measures the binary cross-entropy of sigmoid(logits), without overflow.
 *
 * ℓ = (1 − y) · x + (1 + (posWeight − 1) · y) · ln(1 + e⁻ˣ), mean or sum over all elements.
 * logits x [...], target y [...] in [0, 1] → []
 *
 * @throws OptionError for wrong options; ShapeError if the shapes differ or posWeight does not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
 */
export class BCEWithLogitsLoss extends ElementwiseLoss {
  readonly posWeight: number | Float32Array;

  constructor(options: BCEWithLogitsLossOptions = {}) {
    checkOptions('BCEWithLogitsLoss', options, { ...elementwiseLossRules, posWeight: either(nonNegative, weights) });
    super(options);
    const { posWeight = 1 } = options;
    this.posWeight = typeof posWeight === 'number' ? posWeight : Float32Array.from(posWeight);
  }

  losses(x: Tensor, y: Tensor): Tensor {
    const below = mul(softplus(neg(x)), this.positiveFactor(x, y));
    return add(mul(sub(1, y), x), below);
  }

  /** Looks for targets that are no probabilities. */
  override validate(target: NdArray): void {
    const i = target.data.findIndex((p) => !(p >= 0 && p <= 1) && !(this.ignoreNaN && Number.isNaN(p)));
    if (i >= 0) {
      throw new DataError(
        `BCEWithLogitsLoss: expected targets in [0, 1], got ${target.data[i]!} at row ${positionOf(i, target)}. Scale or relabel the targets.`,
      );
    }
  }

  private positiveFactor(x: Tensor, y: Tensor): Operand {
    const { posWeight } = this;
    if (posWeight === 1) return 1;
    if (typeof posWeight === 'number') return add(mul(y, posWeight - 1), 1);
    if (posWeight.length !== x.shape.at(-1)) {
      throw new ShapeError(
        `BCEWithLogitsLoss: expected ${x.shape.at(-1) ?? 1} values for posWeight, one for each of the last dimension, got ${posWeight.length}.`,
      );
    }
    return add(mul(y, constant(posWeight.map((p) => p - 1))), 1);
  }
}
