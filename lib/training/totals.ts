import type { Results } from './programs.js';
import type { AnyLoss, AnyMetric, Recipe } from './recipe.js';

/** Sums the results of steps, each weighted with its rows or with what its loss or metric says it counts, and gives their means. */
export class Totals {
  readonly #loss: AnyLoss;
  readonly #metrics: readonly AnyMetric[];
  readonly #sums: Float64Array;
  readonly #weights: Float64Array;
  /** Loss of the last step added. */
  lastLoss: number = NaN;

  constructor({ loss, metrics }: Pick<Recipe, 'loss' | 'metrics'>) {
    this.#loss = loss;
    this.#metrics = metrics;
    this.#sums = new Float64Array(metrics.length + 1);
    this.#weights = new Float64Array(metrics.length + 1);
  }

  /** `values`: the results of one step after another. */
  add(values: Float32Array, { rows, width, weights }: Results): void {
    for (let at = 0; at < values.length; at += width) {
      weights.forEach((column, i) => {
        const isSum = i === 0 && this.#loss.reduction === 'sum';
        const weight = isSum ? 1 : column === undefined ? rows : values[at + column]!;
        // A step without anything to count has a mean of 0/0.
        if (weight !== 0) this.#sums[i]! += values[at + i]! * weight;
        this.#weights[i]! += weight;
      });
    }
    if (values.length > 0) this.lastLoss = values[values.length - width]!;
  }

  get loss(): number {
    return this.#loss.reduction === 'sum' ? this.#sums[0]! : this.#mean(0);
  }

  /** Metrics by the name `rename` gives them. */
  metrics(rename: (name: string) => string = (name) => name): Record<string, number> {
    return Object.fromEntries(this.#metrics.map((metric, i) => [rename(metric.name), metric.finish(this.#mean(i + 1))]));
  }

  #mean(i: number): number {
    return this.#sums[i]! / this.#weights[i]!;
  }
}
