import type { Metric } from '../metrics/metric.js';

/** Sums the results of steps, each weighted with its rows or with what its metric says it counts, and gives their means. */
export class Totals {
  readonly #metrics: readonly Metric[];
  /** For each metric the column of its weights in the results; undefined: its steps count their rows. */
  readonly #weightColumns: readonly (number | undefined)[];
  readonly #sums: Float64Array;
  readonly #weights: Float64Array;
  /** Results of one step. */
  readonly #width: number;
  /** Loss of the last step added. */
  lastLoss: number = NaN;

  constructor(metrics: readonly Metric[]) {
    this.#metrics = metrics;
    const weighted = metrics.filter((metric) => metric.weight !== undefined);
    this.#weightColumns = metrics.map((metric) =>
      metric.weight === undefined ? undefined : 1 + metrics.length + weighted.indexOf(metric),
    );
    this.#sums = new Float64Array(metrics.length + 1);
    this.#weights = new Float64Array(metrics.length + 1);
    this.#width = 1 + metrics.length + weighted.length;
  }

  /** `results` holds the loss, the metrics and the weights of those that have one, of one step after another, each step of `rows` rows. */
  add(results: Float32Array, rows: number): void {
    for (let at = 0; at < results.length; at += this.#width) {
      this.#sums[0]! += results[at]! * rows;
      this.#weights[0]! += rows;
      this.#weightColumns.forEach((column, i) => {
        const weight = column === undefined ? rows : results[at + column]!;
        // A step without anything to count has a mean of 0/0.
        if (weight !== 0) this.#sums[i + 1]! += results[at + i + 1]! * weight;
        this.#weights[i + 1]! += weight;
      });
    }
    if (results.length > 0) this.lastLoss = results[results.length - this.#width]!;
  }

  get loss(): number {
    return this.#sums[0]! / this.#weights[0]!;
  }

  /** Metrics by the name `rename` gives them. */
  metrics(rename: (name: string) => string = (name) => name): Record<string, number> {
    const mean = (i: number): number => this.#sums[i + 1]! / this.#weights[i + 1]!;
    return Object.fromEntries(this.#metrics.map((metric, i) => [rename(metric.name), metric.finish(mean(i))]));
  }
}
