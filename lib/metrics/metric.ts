import { DataError } from '../errors.js';
import type { NamedTensors, Outputs } from '../graph/outputs.js';
import { Tensor } from '../graph/tensor.js';
import type { ShapesOf, TargetsOf } from '../losses/loss.js';
import { callable, check, kindOf, text } from '../options.js';
import { checkDone } from '../returned.js';

/**
 * Something reported beside the loss, computed inside the program. Concrete metrics are final. Most are the mean of what `forward` gives of each
 * batch; what is no mean, as a quotient of counts, gives several figures of a batch and says by `combine` how those of many are made one:
 * ```ts
 * class Largest extends Metric { // of all errors
 *   readonly name = 'largestError';
 *   override readonly better = 'min';
 *   forward(prediction: Tensor, target: Tensor): Tensor {
 *     return reshape(max(abs(sub(prediction, target))), [1]);
 *   }
 *   override combine(total: Float64Array, batch: Float32Array): void {
 *     total[0] = Math.max(total[0]!, batch[0]!);
 *   }
 * }
 * ```
 */
export abstract class Metric<Prediction extends Outputs = Tensor, Target extends Outputs = Tensor> {
  /** Key in the history and in the result of evaluate. */
  abstract readonly name: string;

  /** @internal */
  get takesTarget(): boolean {
    return this.forward.length > 1;
  }

  /** Which values are better, for callbacks that watch it. Default: not said, so that they must be given `mode`. */
  readonly better?: 'max' | 'min' | undefined;

  /**
   * prediction, target → scalar: the mean over the batch. With `combine` the figures of the batch [F].
   * Called once for each shape and mode, never per step: fields are read then, as constants.
   * `sampleWeight` [N], if the data has any, is for metrics that count rows as the loss does; most count all rows alike.
   */
  abstract forward(prediction: Prediction, target: Target, sampleWeight?: Tensor): Tensor;

  /**
   * prediction, target → scalar: what the batch counts in the mean over batches. For means over tokens, which padding leaves more or fewer of.
   * Default: the elements of the target; the rows where there are several targets. Not asked for with `combine`.
   */
  weight?(prediction: Prediction, target: Target): Tensor | undefined;

  /** Makes `total`, the figures of the batches before, those of one batch more. It begins with zeros. Default: there is one figure, a mean. */
  combine?(total: Float64Array, batch: Float32Array): void;

  /** From the figures [F] of all rows, without `combine` the mean alone [1], to what is reported: the root in RMSE, a quotient of counts. Default: the first. */
  finish(figures: Float64Array): number {
    return figures[0]!;
  }

  /**
   * Looks at the target data on the host before anything is computed, as {@link Loss.validate} does.
   * @throws DataError naming the first bad row
   */
  validate(_target: TargetsOf<Target>, _predictionShape: ShapesOf<Prediction>): void {}

  /** The same of one of several outputs and its target: `accuracy().of('digit')` is reported as digitAccuracy. @throws OptionError for no name */
  of<Name extends string>(output: Name): Metric<NamedTensors<Name>, NamedTensors<Name>> {
    check('of', 'output', output, text);
    const name = output + this.name.charAt(0).toUpperCase() + this.name.slice(1);
    const part = (what: string, parts: Outputs, advice: string): Tensor => {
      const found = parts instanceof Tensor ? undefined : parts[output];
      if (found !== undefined) return found;
      const known = parts instanceof Tensor ? `one alone. ${advice}` : `${Object.keys(parts).join(', ')}.`;
      throw new DataError(`${name}: expected ${what} "${output}" among several, got ${known}`);
    };
    return new Renamed<NamedTensors<Name>, NamedTensors<Name>>(
      name,
      this,
      (predictions, targets) => [
        part('an output', predictions, 'Leave .of() out.'),
        part('a target', targets, `Compare with it by .as('${name}', (p, y) => [p.${output}, y]).`),
      ],
      (targets, shapes) => [targets[output as never], shapes[output as never]],
    );
  }

  /**
   * The same under another name, of what `part` makes of prediction and target: for two of a kind, `f1({ positive: 2 }).as('f1 of cats')`, or of some
   * rows or columns.
   * @throws OptionError for a name that is none; from fit and evaluate DataError unless `part` gives a pair
   */
  as(name: string): Metric<Prediction, Target>;
  as<P extends Outputs = Tensor, T extends Outputs = Tensor>(name: string, part: MetricPart<P, T>): Metric<P, T>;
  as(name: string, part?: MetricPart<never, never>): Metric<never, never> {
    check('as', 'name', name, text);
    if (part === undefined) {
      return new Renamed<never, never>(
        name,
        this,
        (prediction, target) => [prediction, target],
        (target, shape) => [target, shape],
      );
    }
    check('as', 'part', part, callable);
    const pair: MetricPart<never, never> = (prediction, target) => checkedPair(name, part(prediction, target));
    return new Renamed<never, never>(name, this, pair, () => undefined);
  }
}

/** What a metric looks at. */
export type MetricPart<Prediction extends Outputs = Tensor, Target extends Outputs = Tensor> = (
  prediction: Prediction,
  target: Target,
) => readonly [prediction: Outputs, target: Outputs];

/** @throws DataError unless it is a prediction and a target */
function checkedPair(name: string, pair: unknown): readonly [prediction: Outputs, target: Outputs] {
  const isPair = (value: unknown): value is [Outputs, Outputs] =>
    Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === 'object' && one !== null);
  if (isPair(pair)) return pair;
  const missing = Array.isArray(pair) && pair.length === 2 ? pair.findIndex((one) => one === undefined) : -1;
  const [expected, got] =
    missing < 0 ? ['a prediction and a target', kindOf(pair)] : [`a ${missing === 0 ? 'prediction' : 'target'}`, 'undefined'];
  throw new DataError(`${name}: expected ${expected} from its part, got ${got}. Return both: (p, y) => [p, y].`);
}

/** What a metric looks at among arrays and shapes. Undefined: a part that only tensors show. */
type DataPart<Prediction extends Outputs, Target extends Outputs> = (
  target: TargetsOf<Target>,
  predictionShape: ShapesOf<Prediction>,
) => readonly [target: unknown, predictionShape: unknown] | undefined;

class Renamed<Prediction extends Outputs, Target extends Outputs> extends Metric<Prediction, Target> {
  override readonly better: 'max' | 'min' | undefined;

  constructor(
    readonly name: string,
    private readonly metric: Metric<never, never>,
    private readonly part: MetricPart<Prediction, Target>,
    private readonly dataPart: DataPart<Prediction, Target>,
  ) {
    super();
    this.better = metric.better;
    if (metric.combine !== undefined) this.combine = (total, batch) => metric.combine!(total, batch);
  }

  override get takesTarget(): boolean {
    return this.metric.takesTarget;
  }

  forward(prediction: Prediction, target: Target, sampleWeight?: Tensor): Tensor {
    return this.metric.forward(...(this.part(prediction, target) as readonly [never, never]), sampleWeight);
  }

  override weight(prediction: Prediction, target: Target): Tensor | undefined {
    return this.metric.weight?.(...(this.part(prediction, target) as readonly [never, never]));
  }

  override finish(figures: Float64Array): number {
    return this.metric.finish(figures);
  }

  override validate(target: TargetsOf<Target>, predictionShape: ShapesOf<Prediction>): void {
    const data = this.dataPart(target, predictionShape);
    if (data !== undefined) checkDone(this.metric.name, 'validate', this.metric.validate(...(data as readonly [never, never])));
  }
}
