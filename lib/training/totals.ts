import type { Results } from './results.js';
import type { AnyLoss, Recipe } from './recipe.js';
import { type Figure, Mean, type Tally, tallyOf, weightOf } from './tally.js';

const normFigure: Figure = { name: 'gradientNorm', better: 'min', finish: ([norm]) => norm! };

/** What training reports beside the loss. */
export function trainingFigures({ metrics, gradientNorm }: Recipe): readonly Figure[] {
  return gradientNorm ? [...metrics, normFigure] : metrics;
}

export function trainingTotals(recipe: Recipe, keepSteps = false): Totals {
  return new Totals({ loss: recipe.loss, metrics: trainingFigures(recipe) }, keepSteps);
}

/**
 * Adds up the results of steps. Means are weighted with the elements of the targets or with what the loss or metric says it counts; other metrics
 * combine their figures themselves. What is added to the loss counts the elements, whatever the loss counts.
 *
 * Where nothing counts, as with a sampleWeight of 0 in all rows, a mean is 0/0: NaN, as in PyTorch. Keras has 0, which callbacks would take for the best.
 */
export class Totals {
  readonly #figures: readonly Figure[];
  readonly #tallies: readonly Tally[];
  readonly #isSum: boolean;
  readonly #loss: Mean = new Mean();
  /** What is added to the loss where that counts otherwise. */
  readonly #added: Mean = new Mean();
  /** The loss and the metrics of each step, if they are kept. */
  readonly #steps: readonly number[][] | undefined;
  /** Loss of the last step added, as it was computed: 0 where nothing counts. */
  lastLoss: number = NaN;

  constructor({ loss, metrics }: { readonly loss: AnyLoss; readonly metrics: readonly Figure[] }, keepSteps = false) {
    this.#figures = metrics;
    this.#tallies = metrics.map(tallyOf);
    this.#isSum = loss.reduction === 'sum';
    this.#steps = keepSteps ? ['loss', ...metrics].map(() => []) : undefined;
  }

  /** `values`: the results of one step after another. Called for every step, so the loops allocate nothing. */
  add(values: Float32Array, results: Results): void {
    const { count, width, metrics } = results;
    for (let at = 0; at < values.length; at += width) {
      this.#addLoss(values, at, results);
      for (let i = 0; i < metrics.length; i++) {
        this.#tallies[i]!.add(values, at, metrics[i]!, count);
        this.#steps?.[i + 1]!.push(this.#tallies[i]!.ofStep(values, at, metrics[i]!, count));
      }
    }
    if (values.length > 0) this.lastLoss = values[values.length - width]!;
  }

  /** The norm of the gradients of an update of its own, if it tells one. */
  addNorm(norm: number | undefined): void {
    if (norm === undefined) return;
    const at = this.#tallies.length - 1;
    this.#tallies[at]!.add(Float32Array.of(norm), 0, { begin: 0, size: 1, weight: undefined }, 1);
    this.#steps?.[at + 1]!.push(norm);
  }

  #addLoss(values: Float32Array, at: number, { count, loss, added }: Results): void {
    const value = values[at + loss.begin]!;
    // Of a sum over all steps every step counts 1.
    const weight = this.#isSum ? 1 : weightOf(values, at, loss, count);
    const term = added === undefined ? 0 : values[at + added]!;
    this.#loss.add(value - term, weight);
    if (added !== undefined) this.#added.add(term, count);
    this.#steps?.[0]!.push(weight === 0 ? NaN : value);
  }

  get loss(): number {
    if (this.#isSum) return this.#loss.sum;
    return this.#loss.value + (this.#added.weight === 0 ? 0 : this.#added.value);
  }

  /** Metrics by the name `rename` gives them. */
  metrics(rename: (name: string) => string = (name) => name): Record<string, number> {
    return Object.fromEntries(this.#figures.map(({ name }, i) => [rename(name), this.#tallies[i]!.value]));
  }

  /** Of each step in order, by name. Undefined unless they are kept. */
  steps(): Record<string, Float32Array> | undefined {
    const names = ['loss', ...this.#figures.map(({ name }) => name)];
    return this.#steps && Object.fromEntries(this.#steps.map((values, i) => [names[i]!, Float32Array.from(values)]));
  }
}
