import type { Metric } from '../metrics/metric.js';
import type { Results } from './programs.js';
import type { AnyLoss, Recipe } from './recipe.js';

/** Something reported beside the loss. */
export type Figure = Pick<Metric, 'name' | 'finish'>;

const normFigure: Figure = { name: 'gradientNorm', finish: (norm) => norm };

/** What training reports beside the loss. */
export function trainingFigures({ metrics, gradientNorm }: Recipe): readonly Figure[] {
  return gradientNorm ? [...metrics, normFigure] : metrics;
}

export function trainingTotals(recipe: Recipe, keepSteps = false): Totals {
  return new Totals({ loss: recipe.loss, metrics: trainingFigures(recipe) }, keepSteps);
}

/**
 * Sums the results of steps, each weighted with the elements of its target or with what its loss or metric says it counts, and gives their means.
 * What is added to the loss counts the elements, whatever the loss counts.
 */
export class Totals {
  readonly #loss: AnyLoss;
  readonly #metrics: readonly Figure[];
  readonly #sums: Float64Array;
  readonly #weights: Float64Array;
  /** Sum and weight of what is added to the loss where that counts otherwise. */
  readonly #added: Float64Array = new Float64Array(2);
  /** The loss and the metrics of each step, if they are kept. */
  readonly #steps: readonly number[][] | undefined;
  /** Loss of the last step added. */
  lastLoss: number = NaN;

  constructor({ loss, metrics }: { readonly loss: AnyLoss; readonly metrics: readonly Figure[] }, keepSteps = false) {
    this.#loss = loss;
    this.#metrics = metrics;
    this.#sums = new Float64Array(metrics.length + 1);
    this.#weights = new Float64Array(metrics.length + 1);
    this.#steps = keepSteps ? ['loss', ...metrics].map(() => []) : undefined;
  }

  /** `values`: the results of one step after another. Called for every step, so the loops allocate nothing. */
  add(values: Float32Array, { count, width, weights, added }: Results): void {
    for (let i = 0; i < weights.length; i++) {
      const kept = this.#steps?.[i];
      if (kept !== undefined) for (let at = i; at < values.length; at += width) kept.push(values[at]!);
      const isSum = i === 0 && this.#loss.reduction === 'sum';
      this.#addFigure(values, i, width, isSum ? 1 : count, isSum ? undefined : weights[i], i === 0 ? added : undefined);
    }
    if (added !== undefined) {
      for (let at = added; at < values.length; at += width) this.#added[0]! += values[at]! * count;
      this.#added[1]! += (values.length / width) * count;
    }
    if (values.length > 0) this.lastLoss = values[values.length - width]!;
  }

  /** @param column of the weights, where they are not all `count`. @param apart column of what is counted by itself */
  #addFigure(values: Float32Array, i: number, width: number, count: number, column: number | undefined, apart: number | undefined): void {
    for (let at = 0; at < values.length; at += width) {
      const weight = column === undefined ? count : values[at + column]!;
      const value = apart === undefined ? values[at + i]! : values[at + i]! - values[at + apart]!;
      // A step without anything to count has a mean of 0/0.
      if (weight !== 0) this.#sums[i]! += value * weight;
      this.#weights[i]! += weight;
    }
  }

  get loss(): number {
    return this.#loss.reduction === 'sum' ? this.#sums[0]! : this.#mean(0) + this.#addedMean;
  }

  /** Metrics by the name `rename` gives them. */
  metrics(rename: (name: string) => string = (name) => name): Record<string, number> {
    return Object.fromEntries(this.#metrics.map((metric, i) => [rename(metric.name), metric.finish(this.#mean(i + 1))]));
  }

  /** Of each step in order, by name. Undefined unless they are kept. */
  steps(): Record<string, Float32Array> | undefined {
    if (this.#steps === undefined) return undefined;
    const [loss = [], ...figures] = this.#steps;
    const entries = this.#metrics.map(
      (metric, i) => [metric.name, Float32Array.from(figures[i]!, (value) => metric.finish(value))] as const,
    );
    return { loss: Float32Array.from(loss), ...Object.fromEntries(entries) };
  }

  get #addedMean(): number {
    return this.#added[1] === 0 ? 0 : this.#added[0]! / this.#added[1]!;
  }

  #mean(i: number): number {
    return this.#sums[i]! / this.#weights[i]!;
  }
}
