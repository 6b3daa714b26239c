/** What one figure comes to over the steps added so far. */
import type { Metric } from '../metrics/metric.js';
import { checkDone } from '../returned.js';
import type { Place } from './results.js';

/** Something reported beside the loss. */
export type Figure = Pick<Metric, 'name' | 'better' | 'combine' | 'finish'>;

export interface Tally {
  /** Adds a step whose results begin at `at`. @param count what it counts where its place says nothing else */
  add(values: Float32Array, at: number, place: Place, count: number): void;
  /** The figure of such a step alone. */
  ofStep(values: Float32Array, at: number, place: Place, count: number): number;
  /** NaN where nothing counts. */
  readonly value: number;
}

export function tallyOf(figure: Figure): Tally {
  return figure.combine === undefined ? new MeanTally(figure) : new CombinedTally(figure);
}

/** A weighted mean. */
export class Mean {
  sum = 0;
  weight = 0;

  add(value: number, weight: number): void {
    // A step without anything to count has a mean of 0/0.
    if (weight !== 0) this.sum += value * weight;
    this.weight += weight;
  }

  get value(): number {
    return this.sum / this.weight;
  }
}

/** What a step whose results begin at `at` counts in a figure. */
export function weightOf(values: Float32Array, at: number, { weight }: Place, count: number): number {
  return weight === undefined ? count : values[at + weight]!;
}

class MeanTally implements Tally {
  readonly #figure: Figure;
  readonly #mean: Mean = new Mean();

  constructor(figure: Figure) {
    this.#figure = figure;
  }

  add(values: Float32Array, at: number, place: Place, count: number): void {
    this.#mean.add(values[at + place.begin]!, weightOf(values, at, place, count));
  }

  ofStep(values: Float32Array, at: number, place: Place, count: number): number {
    return this.#figure.finish(Float64Array.of(weightOf(values, at, place, count) === 0 ? NaN : values[at + place.begin]!));
  }

  get value(): number {
    return this.#figure.finish(Float64Array.of(this.#mean.value));
  }
}

/** What a metric combines itself. */
class CombinedTally implements Tally {
  readonly #figure: Figure;
  #total: Float64Array | undefined;
  /** The figures of one step. */
  #batch: Float32Array = new Float32Array(0);

  constructor(figure: Figure) {
    this.#figure = figure;
  }

  add(values: Float32Array, at: number, place: Place): void {
    this.#total ??= new Float64Array(place.size);
    this.#combine(this.#total, values, at, place);
  }

  ofStep(values: Float32Array, at: number, place: Place): number {
    const total = new Float64Array(place.size);
    this.#combine(total, values, at, place);
    return this.#figure.finish(total);
  }

  get value(): number {
    return this.#total === undefined ? NaN : this.#figure.finish(this.#total);
  }

  #combine(total: Float64Array, values: Float32Array, at: number, { begin, size }: Place): void {
    if (this.#batch.length !== size) this.#batch = new Float32Array(size);
    for (let i = 0; i < size; i++) this.#batch[i] = values[at + begin + i]!;
    checkDone(this.#figure.name, 'combine', this.#figure.combine!(total, this.#batch));
  }
}
