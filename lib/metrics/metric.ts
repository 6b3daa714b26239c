import { DataError } from '../errors.js';
import type { NamedTensors, Outputs } from '../graph/outputs.js';
import { Tensor } from '../graph/tensor.js';
import { type Rule, callable, check } from '../options.js';

/** Something reported beside the loss, computed inside the program. Concrete metrics are final. */
export abstract class Metric<Prediction extends Outputs = Tensor, Target extends Outputs = Tensor> {
  /** Key in the history and in the result of evaluate. */
  abstract readonly name: string;

  /** prediction, target → scalar: the mean over the batch. */
  abstract forward(prediction: Prediction, target: Target): Tensor;

  /**
   * prediction, target → scalar: what the batch counts in the mean over batches. For means over tokens, which padding leaves more or fewer of.
   * Default: the elements of the target; the rows where there are several targets.
   */
  weight?(prediction: Prediction, target: Target): Tensor | undefined;

  /** From the mean over all rows to what is reported; the root in RMSE. */
  finish(mean: number): number {
    return mean;
  }

  /** The same of one of several outputs and its target: `accuracy().of('digit')` is reported as digitAccuracy. @throws OptionError for no name */
  of(output: string): Metric<NamedTensors, NamedTensors> {
    check('of', 'output', output, text);
    const name = output + this.name.charAt(0).toUpperCase() + this.name.slice(1);
    const part = (what: string, parts: Outputs): Tensor => {
      const found = parts instanceof Tensor ? undefined : parts[output];
      if (found !== undefined) return found;
      const known = parts instanceof Tensor ? 'one alone' : Object.keys(parts).join(', ');
      throw new DataError(`${name}: expected ${what} "${output}" among several, got ${known}.`);
    };
    return new Renamed<NamedTensors, NamedTensors>(name, this, (predictions, targets) => [
      part('an output', predictions),
      part('a target', targets),
    ]);
  }

  /**
   * The same under another name, of what `part` makes of prediction and target: for two of a kind, `f1({ positive: 2 }).as('f1 of cats')`, or of some
   * rows or columns.
   * @throws OptionError for a name that is none
   */
  as(name: string): Metric<Prediction, Target>;
  as<P extends Outputs = Tensor, T extends Outputs = Tensor>(name: string, part: MetricPart<P, T>): Metric<P, T>;
  as(name: string, part: MetricPart<never, never> = (prediction, target) => [prediction, target]): Metric<never, never> {
    check('as', 'name', name, text);
    check('as', 'part', part, callable);
    return new Renamed<never, never>(name, this, part);
  }
}

/** What a metric looks at. */
export type MetricPart<Prediction extends Outputs = Tensor, Target extends Outputs = Tensor> = (
  prediction: Prediction,
  target: Target,
) => readonly [prediction: Outputs, target: Outputs];

const text: Rule = { expected: 'a name', accepts: (value) => typeof value === 'string' && value !== '' };

class Renamed<Prediction extends Outputs, Target extends Outputs> extends Metric<Prediction, Target> {
  constructor(
    readonly name: string,
    private readonly metric: Metric<never, never>,
    private readonly part: MetricPart<Prediction, Target>,
  ) {
    super();
  }

  forward(prediction: Prediction, target: Target): Tensor {
    return this.metric.forward(...(this.part(prediction, target) as readonly [never, never]));
  }

  override weight(prediction: Prediction, target: Target): Tensor | undefined {
    return this.metric.weight?.(...(this.part(prediction, target) as readonly [never, never]));
  }

  override finish(mean: number): number {
    return this.metric.finish(mean);
  }
}
