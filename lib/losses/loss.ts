import type { NdArray } from '../array.js';
import type { Outputs } from '../graph/outputs.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';

/** How the losses of single elements become one number. */
export type Reduction = 'mean' | 'sum';

/** Arrays to compare outputs with: one, or one for each by name. */
export type TargetsOf<Target extends Outputs> = Target extends Tensor ? NdArray : { readonly [Name in keyof Target]: NdArray };

/** Shapes of outputs. */
export type ShapesOf<Prediction extends Outputs> = Prediction extends Tensor ? Shape : { readonly [Name in keyof Prediction]: Shape };

/**
 * The number training makes small. Concrete losses are final. What a layer adds to it comes by `scope.addLoss`; several outputs, each with a target,
 * have one of their own each by {@link Losses}, or one that sees them all:
 * ```ts
 * class Weighted extends Loss<{ mean: Tensor; deviation: Tensor }> { // −log of a normal density, up to a constant
 *   forward({ mean: m, deviation }: { mean: Tensor; deviation: Tensor }, target: Tensor): Tensor {
 *     return mean(add(log(deviation), mul(square(div(sub(target, m), deviation)), 0.5)));
 *   }
 * }
 * ```
 */
export abstract class Loss<Prediction extends Outputs = Tensor, Target extends Outputs = Tensor> {
  /** 'sum': the loss of many batches is the sum of theirs, otherwise their mean. */
  readonly reduction?: Reduction | undefined;
  /** Targets that are NaN count nothing, so that `checkFinite` of fit lets them pass. */
  readonly ignoreNaN?: boolean | undefined;

  /**
   * prediction, target → scalar, in operations. A loss for data with `sampleWeight` [N] takes it as a third parameter. Called once for each shape and mode,
   * never per step: fields are read then, as constants. A number that changes with the steps is a buffer of a layer, which adds the term that it weighs by
   * `scope.addLoss`, or comes with the targets. A parameter, such as a temperature, is one of a layer around the model, which is trained in its place.
   */
  abstract forward(prediction: Prediction, target: Target, sampleWeight?: Tensor): Tensor;

  /**
   * prediction, target → scalar: what the batch counts in the mean over batches: what `forward` divides by where some elements count less or
   * nothing. Default: the elements of the target, which are the tokens of sequences; the rows where there are several targets.
   */
  weight?(prediction: Prediction, target: Target, sampleWeight?: Tensor): Tensor | undefined;

  /**
   * Looks at the target data on the host before anything is computed: class ids in range, probabilities that sum to 1.
   * @throws DataError naming the first bad row
   */
  validate(_target: TargetsOf<Target>, _predictionShape: ShapesOf<Prediction>): void {}
}
