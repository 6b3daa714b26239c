import type { Tensor } from '../graph/tensor.js';
import { constant } from '../graph/source.js';
import { ShapeError, formatShape } from '../errors.js';
import { checkTensors } from '../ops/arguments.js';
import { broadcastTo, maximum, mul, reshape, sub } from '../ops/index.js';
import { type Rule, checkOptions, isNumbers, required, share } from '../options.js';
import { ElementwiseLoss, type ElementwiseLossOptions, elementwiseLossRules } from './elementwise-loss.js';

/** Options of {@link QuantileLoss}. */
export interface QuantileLossOptions extends ElementwiseLossOptions {
  /** One quantile in (0, 1), or several, of which the prediction then has one each in its last dimension. 0.9: nine of ten targets are below. */
  readonly quantiles: number | readonly number[];
}

const quantilesRule: Rule = {
  expected: 'a number in (0, 1) or a list of them',
  accepts: (value) => share.accepts(value) || (isNumbers(value, share.accepts) && (value as ArrayLike<number>).length > 0),
};

/**
 * Measures how well a prediction is the quantile q of what the target may be: the pinball loss. Of 0.5 it is half of {@link L1Loss}; of 0.1 and
 * 0.9 the model learns a range that holds eight of ten targets.
 *
 * ℓ = max(q · d, (q − 1) · d) with d = target − prediction, mean or sum over all elements.
 * One quantile: prediction [...], target [...] → []; a list of Q: prediction [..., Q], target [...] → []
 * ```ts
 * const model = new Sequential([new Linear(32), new ReLU(), new Linear(3)]);
 * const loss = new QuantileLoss({ quantiles: [0.1, 0.5, 0.9] }); // y [N]
 * ```
 *
 * @throws OptionError for wrong options; ShapeError if the shapes do not fit; DataError from fit and evaluate for targets that are not finite
 * @see Koenker and Bassett 1978, Regression Quantiles; https://scikit-learn.org/stable/modules/model_evaluation.html#pinball-loss
 */
export class QuantileLoss extends ElementwiseLoss {
  readonly quantiles: number | readonly number[];

  constructor(options: QuantileLossOptions) {
    const { quantiles, ...rest } = checkOptions('QuantileLoss', options, { ...elementwiseLossRules, quantiles: required(quantilesRule) });
    super(rest);
    this.quantiles = typeof quantiles === 'number' ? quantiles : Object.freeze([...quantiles]);
  }

  override forward(prediction: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor {
    return super.forward(prediction, this.#forEach(prediction, target), sampleWeight);
  }

  losses(prediction: Tensor, target: Tensor): Tensor {
    const { quantiles } = this;
    const q = typeof quantiles === 'number' ? quantiles : constant(Float32Array.from(quantiles));
    const d = sub(target, prediction);
    return maximum(mul(d, q), mul(d, sub(q, 1)));
  }

  /** The target beside each quantile. */
  #forEach(prediction: Tensor, target: Tensor): Tensor {
    if (typeof this.quantiles === 'number') return target;
    checkTensors('QuantileLoss', { prediction, target });
    const shape = [...target.shape, this.quantiles.length];
    if (formatShape(prediction.shape) !== formatShape(shape))
      throw new ShapeError(
        `QuantileLoss: expected a prediction ${formatShape(shape)} for a target ${formatShape(target.shape)}, the quantiles in its last dimension, got ${formatShape(prediction.shape)}. Give the last layer ${this.quantiles.length} outputs, or reshape the target.`,
      );
    return broadcastTo(reshape(target, [...target.shape, 1]), shape);
  }
}
