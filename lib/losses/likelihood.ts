/** Negative log-likelihoods of numbers: PoissonNLLLoss, GaussianNLLLoss. */
import type { NdArray } from '../array.js';
import { DataError } from '../errors.js';
import { Tensor } from '../graph/tensor.js';
import { indexOutside } from '../index-outside.js';
import { add, customGradient, div, exp, log, maximum, mul, square, sub, sum } from '../ops/index.js';
import { checkOptions, positiveFloat } from '../options.js';
import { positionOf } from './class-ids.js';
import { ElementwiseLoss, type ElementwiseLossOptions, counted, elementwiseLossRules, validateFinite } from './elementwise-loss.js';
import { Loss, type Reduction } from './loss.js';
import { checkSameShape, keptOnly, perLoss, reduceWeighted } from './reduction.js';

/**
 * Negative log-likelihood of counts (calls an hour, goals a match) by a Poisson distribution, of which the model gives the logarithm of the rate: the
 * expected count is exp(prediction).
 *
 * ℓ = exp(prediction) − target · prediction, without the term ln(target!), which no weight changes; mean or sum over all elements.
 * prediction [...], target [...] ≥ 0 → []
 *
 * @throws OptionError for a wrong option; ShapeError if the shapes differ; DataError from fit and evaluate for targets below 0 or not finite
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PoissonNLLLoss.html
 */
export class PoissonNLLLoss extends ElementwiseLoss {
  constructor(options: ElementwiseLossOptions = {}) {
    super(checkOptions('PoissonNLLLoss', options, elementwiseLossRules));
  }

  losses(prediction: Tensor, target: Tensor): Tensor {
    return sub(exp(prediction), mul(target, prediction));
  }

  override validate(target: NdArray): void {
    super.validate(target);
    const i = indexOutside(target.data, 0, Number.MAX_VALUE, this.ignoreNaN);
    if (i >= 0) throw new DataError(`PoissonNLLLoss: expected counts ≥ 0, got ${target.data[i]!} at row ${positionOf(i, target)}. Clean the data.`); // prettier-ignore
  }
}

/** Options of {@link GaussianNLLLoss}. */
export interface GaussianNLLLossOptions extends ElementwiseLossOptions {
  /** Variances below it count as this. Default: 1e-6. */
  readonly eps?: number | undefined;
}

/** Outputs that {@link GaussianNLLLoss} compares with targets. */
export type Gaussian = { readonly mean: Tensor; readonly variance: Tensor };

/**
 * Negative log-likelihood of numbers by a normal distribution of which the model gives mean and variance: it learns how sure it can be of each
 * prediction.
 *
 * ℓ = ½ · (ln v + (target − mean)² / v) with v = max(variance, eps), without the constant ½ ln 2π; mean or sum over all elements. The gradient passes
 * through the maximum, so that a variance below eps can grow again.
 * mean, variance [...], target [...] → []
 * ```ts
 * class Forecast extends Layer<[Tensor], Gaussian> {
 *   readonly mean = new Linear(1);
 *   readonly variance = new Sequential([new Linear(1), new Softplus()]);
 *   forward(x: Tensor, scope: Scope): Gaussian {
 *     return { mean: scope.call('mean', this.mean, x), variance: scope.call('variance', this.variance, x) };
 *   }
 * }
 * const metrics = [mae().as('mae', (p: Gaussian, y: Tensor) => [p.mean, y])];
 * const trainer = new Trainer(new Forecast(), { loss: new GaussianNLLLoss(), optimizer: new Adam(), metrics });
 * ```
 *
 * @throws OptionError for wrong options; ShapeError if the shapes differ; DataError from fit and evaluate for targets that are not finite
 * @see Nix and Weigend 1994, https://doi.org/10.1109/ICNN.1994.374138; https://pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html
 */
export class GaussianNLLLoss extends Loss<Gaussian> {
  override readonly reduction: Reduction;
  override readonly ignoreNaN: boolean;
  readonly eps: number;

  constructor(options: GaussianNLLLossOptions = {}) {
    super();
    const rules = { ...elementwiseLossRules, eps: positiveFloat };
    const { reduction = 'mean', ignoreNaN = false, eps = 1e-6 } = checkOptions('GaussianNLLLoss', options, rules);
    this.reduction = reduction;
    this.ignoreNaN = ignoreNaN;
    this.eps = eps;
  }

  forward(prediction: Gaussian, target: Tensor, sampleWeight?: Tensor): Tensor {
    const { mean, variance } = checkGaussian(prediction);
    checkSameShape('GaussianNLLLoss', mean, target);
    checkSameShape('GaussianNLLLoss', variance, target);
    const weights = perLoss(target.shape, counted(target, this.ignoreNaN), sampleWeight);
    const own = keptOnly(variance, weights);
    const v = customGradient(maximum(own, this.eps), [own], (dy) => [dy]);
    const error = sub(keptOnly(target, weights), keptOnly(mean, weights));
    const losses = mul(add(log(v), div(square(error), v)), 0.5);
    return reduceWeighted(losses, weights, this.reduction);
  }

  override weight(_prediction: Gaussian, target: Tensor, sampleWeight?: Tensor): Tensor | undefined {
    const weights = perLoss(target.shape, counted(target, this.ignoreNaN), sampleWeight);
    return weights && sum(weights);
  }

  /** Looks for targets that are no finite numbers. */
  override validate(target: NdArray): void {
    validateFinite('GaussianNLLLoss', target, this.ignoreNaN);
  }
}

/** @throws DataError for outputs of other names, or for one alone */
function checkGaussian(prediction: Gaussian): Gaussian {
  const { mean, variance } = prediction as Partial<Gaussian>;
  if (mean instanceof Tensor && variance instanceof Tensor) return { mean, variance };
  const got = prediction instanceof Tensor ? 'one alone' : `{ ${Object.keys(prediction).join(', ')} }`;
  throw new DataError(`GaussianNLLLoss: expected outputs { mean, variance }, got ${got}. Return them by name from forward.`);
}
