import type { Metric } from '../metrics/metric.js';

/** Sums the results of steps, each weighted with its rows, and gives their means. */
export class Totals {
  readonly #metrics: readonly Metric[];
  readonly #sums: Float64Array;
  #rows = 0;
  /** Loss of the last step added. */
  lastLoss: number = NaN;

  constructor(metrics: readonly Metric[]) {
    this.#metrics = metrics;
    this.#sums = new Float64Array(metrics.length + 1);
  }

  /** `results` holds the loss and the metrics of one step after another, each step of `rows` rows. */
  add(results: Float32Array, rows: number): void {
    const width = this.#sums.length;
    for (let i = 0; i < results.length; i++) this.#sums[i % width]! += results[i]! * rows;
    this.#rows += (results.length / width) * rows;
    if (results.length > 0) this.lastLoss = results[results.length - width]!;
  }

  get loss(): number {
    return this.#sums[0]! / this.#rows;
  }

  /** Metrics by the name `rename` gives them. */
  metrics(rename: (name: string) => string = (name) => name): Record<string, number> {
    return Object.fromEntries(this.#metrics.map((metric, i) => [rename(metric.name), metric.finish(this.#sums[i + 1]! / this.#rows)]));
  }
}
