import type { NdArray } from '../array.js';
import type { Shape, Tensor } from '../graph/tensor.js';

/** How the losses of single elements become one number. */
export type Reduction = 'mean' | 'sum';

/** The number training makes small. Concrete losses are final. */
export abstract class Loss {
  /** 'sum': the loss of many batches is the sum of theirs, otherwise their mean. */
  readonly reduction?: Reduction;

  /** prediction, target → scalar, in operations. */
  abstract forward(prediction: Tensor, target: Tensor): Tensor;

  /**
   * prediction, target → scalar: what the batch counts in the mean over batches, where that is not its rows: what `forward` divides by
   * where some rows count less or nothing. Default: the rows.
   */
  weight?(prediction: Tensor, target: Tensor): Tensor | undefined;

  /**
   * Looks at the target data on the host before anything is computed: class ids in range, probabilities that sum to 1.
   * @throws DataError naming the first bad row
   */
  validate(_target: NdArray, _predictionShape: Shape): void {}
}
