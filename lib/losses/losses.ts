import { DataError, OptionError } from '../errors.js';
import { NdArray } from '../array.js';
import type { NamedTensors } from '../graph/outputs.js';
import type { Shape } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { add, mul, sum } from '../ops/index.js';
import { naming } from '../naming.js';
import { type Rule, check, checkOptions, nonNegative } from '../options.js';
import { checkDone } from '../returned.js';
import { Loss, type Reduction, type ShapesOf, type TargetsOf } from './loss.js';

/** Options of {@link Losses}. */
export interface LossesOptions<Name extends string = string> {
  /** How much each counts, by name, ≥ 0. Default: 1. */
  readonly weights?: Readonly<Partial<Record<Name, number>>> | undefined;
}

const numbers: Rule = {
  expected: 'an object of numbers ≥ 0',
  accepts: (value) => typeof value === 'object' && value !== null && Object.values(value).every(nonNegative.accepts),
};

/**
 * Σ wₙ · lossₙ(outputₙ, targetₙ): a loss for each output of a model that gives several by name, with the target of that name.
 * ```ts
 * const loss = new Losses({ digit: new CrossEntropyLoss(), angle: new MSELoss() }, { weights: { angle: 0.1 } });
 * const trainer = new Trainer(twoHeads, { loss, optimizer, metrics: [accuracy().of('digit'), mae().of('angle')] });
 * await trainer.fit({ x, y: { digit, angle } });
 * ```
 * An output that no loss is given for is not trained: parameters that serve it alone keep their values, also where the optimizer decays weights; only
 * penalties reach them. The mean over batches counts rows, with `sampleWeight` by their weights, also where a loss leaves some out: a loss that does
 * makes it, and an update of several batches, differ from those of all rows at once.
 *
 * @throws OptionError if there is no loss, one is none, or a weight is for no loss or below 0
 */
export class Losses<Name extends string = string> extends Loss<NamedTensors<Name>, NamedTensors<Name>> {
  override readonly reduction: Reduction;
  readonly losses: Readonly<Record<Name, Loss>>;
  readonly #weights: Readonly<Partial<Record<string, number>>>;

  constructor(losses: Readonly<Record<Name, Loss>>, options: LossesOptions<NoInfer<Name>> = {}) {
    super();
    check('Losses', 'losses', losses, {
      expected: 'an object of losses by name',
      accepts: (value) =>
        typeof value === 'object' &&
        value !== null &&
        Object.keys(value).length > 0 &&
        Object.values(value).every((one) => one instanceof Loss),
    });
    const weights: Readonly<Partial<Record<string, number>>> = { ...checkOptions('Losses', options, { weights: numbers }).weights };
    const unknown = Object.keys(weights).find((name) => !Object.hasOwn(losses, name));
    if (unknown !== undefined) throw new OptionError(`Losses: expected weights for ${Object.keys(losses).join(', ')}, got "${unknown}".`);
    const sums = Object.values<Loss>(losses).filter(({ reduction }) => reduction === 'sum').length;
    if (sums > 0 && sums < Object.keys(losses).length)
      throw new OptionError('Losses: expected losses that are all means or all sums over a batch, got both. Give them one reduction.');
    this.losses = Object.freeze({ ...losses });
    this.#weights = weights;
    this.reduction = sums > 0 ? 'sum' : 'mean';
  }

  forward(predictions: NamedTensors<Name>, targets: NamedTensors<Name>, sampleWeight?: Tensor): Tensor {
    return Object.entries<Loss>(this.losses)
      .map(([name, loss]) => {
        if (sampleWeight !== undefined && loss.forward.length < 3)
          throw new OptionError(
            `Losses: expected losses that take sampleWeight, got ${loss.constructor.name} for "${name}". Leave sampleWeight out.`,
          );
        const value = loss.forward(this.#part('output', predictions, name), this.#part('target', targets, name), sampleWeight);
        return mul(value, this.#weights[name] ?? 1);
      })
      .reduce((total, value) => add(total, value));
  }

  override weight(predictions: NamedTensors<Name>, targets: NamedTensors<Name>, sampleWeight?: Tensor): Tensor | undefined {
    const [[name, loss], ...more] = Object.entries(this.losses) as [[string, Loss], ...[string, Loss][]];
    if (more.length > 0) return sampleWeight && sum(sampleWeight);
    return loss.weight?.(this.#part('output', predictions, name), this.#part('target', targets, name), sampleWeight);
  }

  override validate(targets: TargetsOf<NamedTensors<Name>>, shapes: ShapesOf<NamedTensors<Name>>): void {
    for (const [name, loss] of Object.entries<Loss>(this.losses))
      checkDone(
        loss.constructor.name,
        'validate',
        naming(`y.${name}`, () => loss.validate(this.#part<NdArray>('target', targets, name), this.#part<Shape>('output', shapes, name))),
      );
  }

  /** Whether NaN among the targets of this name counts nothing. */
  ignoresNaN(name: string): boolean {
    return (this.losses[name as Name] as Loss | undefined)?.ignoreNaN === true;
  }

  /** `parts` may be one tensor, one array or the shape of one all the same. */
  #part<T extends object>(what: 'output' | 'target', parts: T | Readonly<Record<string, T>>, name: string): T {
    if (Object.hasOwn(parts, name)) return (parts as Readonly<Record<string, T>>)[name]!;
    const wanted = `{ ${Object.keys(this.losses).join(', ')} }`;
    if (parts instanceof Tensor || parts instanceof NdArray || Array.isArray(parts)) {
      const [one, advice] =
        what === 'target' ? ['one array for y', `Give y as ${wanted}`] : ['one alone', `Return ${wanted} from forward, or give one loss`];
      throw new DataError(`Losses: expected ${what}s ${wanted}, got ${one}. ${advice}.`);
    }
    throw new DataError(`Losses: expected ${what}s ${wanted}, got { ${Object.keys(parts).join(', ')} }.`);
  }
}
