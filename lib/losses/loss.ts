import type { NdArray } from '../array.js';
import type { Shape, Tensor } from '../graph/tensor.js';

/** How the losses of single elements become one number. */
export type Reduction = 'mean' | 'sum';

/**
 * The number training makes small. Concrete losses are final.
 *
 * What a layer adds to it comes by `scope.addLoss`. A model with several outputs puts them side by side by `concat`, its targets are one array likewise, and its loss takes both apart again.
 * Metrics of each part are reported beside the sum by {@link Metric.as}:
 * ```ts
 * class ClassAndValue extends Loss {
 *   forward(prediction: Tensor, target: Tensor): Tensor {   // prediction [N, C + 1], target [N, 3]
 *     const [ids, value, weight] = unstack(target, 1);
 *     const errors = square(sub(unstack(prediction, 1).at(-1)!, value!));
 *     const logits = slice(prediction, [0, 0], [-1, prediction.shape[1]! - 1]);
 *     return mean(mul(weight!, add(crossEntropy(logits, ids!), errors)));
 *   }
 * }
 * ```
 */
export abstract class Loss {
  /** 'sum': the loss of many batches is the sum of theirs, otherwise their mean. */
  readonly reduction?: Reduction;

  /** prediction, target → scalar, in operations. A loss for data with `sampleWeight` [N] takes it as a third parameter. */
  abstract forward(prediction: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor;

  /**
   * prediction, target → scalar: what the batch counts in the mean over batches, where that is not its rows: what `forward` divides by
   * where some rows count less or nothing. Default: the rows.
   */
  weight?(prediction: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor | undefined;

  /**
   * Looks at the target data on the host before anything is computed: class ids in range, probabilities that sum to 1.
   * @throws DataError naming the first bad row
   */
  validate(_target: NdArray, _predictionShape: Shape): void {}
}
