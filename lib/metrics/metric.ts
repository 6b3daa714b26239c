import type { Tensor } from '../graph/tensor.js';

/** Something reported beside the loss, computed inside the program. Concrete metrics are final. */
export abstract class Metric {
  /** Key in the history and in the result of evaluate. */
  abstract readonly name: string;

  /** prediction, target → scalar: the mean over the batch. */
  abstract forward(prediction: Tensor, target: Tensor): Tensor;

  /**
   * prediction, target → scalar: what the batch counts in the mean over batches, where that is not its rows. For means over tokens,
   * which padding leaves more or fewer of. Default: the rows.
   */
  weight?(prediction: Tensor, target: Tensor): Tensor | undefined;

  /** From the mean over all rows to what is reported; the root in RMSE. */
  finish(mean: number): number {
    return mean;
  }
}
