import type { Tensor } from '../graph/tensor.js';
import { type Rule, callable, check } from '../options.js';

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

  /**
   * The same under another name, of a part of prediction and target if `part` takes one: for two of a kind, `f1({ positive: 2 }).as('f1 of cats')`, and for
   * one output of several, `accuracy().as('class', (prediction, target) => [slice(prediction, …), slice(target, …)])`.
   * @throws OptionError for a name that is none
   */
  as(name: string, part: MetricPart = (prediction, target) => [prediction, target]): Metric {
    check('as', 'name', name, text);
    check('as', 'part', part, callable);
    return new Renamed(name, this, part);
  }
}

/** What a metric looks at. */
export type MetricPart = (prediction: Tensor, target: Tensor) => readonly [prediction: Tensor, target: Tensor];

const text: Rule = { expected: 'a name', accepts: (value) => typeof value === 'string' && value !== '' };

class Renamed extends Metric {
  constructor(
    readonly name: string,
    private readonly metric: Metric,
    private readonly part: MetricPart,
  ) {
    super();
  }

  forward(prediction: Tensor, target: Tensor): Tensor {
    return this.metric.forward(...this.part(prediction, target));
  }

  override weight(prediction: Tensor, target: Tensor): Tensor | undefined {
    return this.metric.weight?.(...this.part(prediction, target));
  }

  override finish(mean: number): number {
    return this.metric.finish(mean);
  }
}
