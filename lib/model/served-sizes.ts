/** Input sizes that the parameters of a model serve. */
import { ShapeError, StateError, formatShape } from '../errors.js';
import { sameShape } from '../graph/shape.js';
import type { Tensor, TensorType } from '../graph/tensor.js';
import { inputTensors } from './batch-source.js';
import { formatInputs } from './data.js';

/** Sequences may be longer and images larger than those a model was built with, and lengths left out, where the same parameters do. */
export class ServedSizes {
  readonly #served = new Set<string>();
  readonly #serve: (inputs: readonly Tensor[]) => boolean;

  /** @param serve whether forward asks for the same parameters with these inputs; throws ShapeError or StateError for inputs that do not fit */
  constructor(serve: (inputs: readonly Tensor[]) => boolean) {
    this.#serve = serve;
  }

  /** Forgets them: the parameters are others. */
  clear(): void {
    this.#served.clear();
  }

  /**
   * @param count rows of a batch, tried where one row is refused
   * @returns why the parameters do not serve these sizes, if they do not
   */
  refusal(rows: readonly TensorType[], count: number): string | undefined {
    const key = formatInputs(rows);
    if (this.#served.has(key)) return undefined;
    let reason = this.#refusalOf(rows, 1);
    if (reason !== undefined && count > 1) reason = this.#refusalOf(rows, count);
    if (reason === undefined) this.#served.add(key);
    return reason;
  }

  /** @throws ShapeError unless they are served, or those the model was built with */
  check(name: string, expected: readonly TensorType[], got: readonly TensorType[], count: number): void {
    if (got.length === expected.length && got.every((row, i) => sameShape(row.shape, expected[i]!.shape))) return;
    const ranksDiffer = got.some(({ shape }, i) => shape.length !== expected[i]?.shape.length);
    // Rows that meet are of the rank that the model was built with: several numbers are no row.
    const reason = this.refusal(got, ranksDiffer ? 1 : count);
    if (reason === undefined) return;
    if (got.length !== expected.length) {
      throw new ShapeError(
        `${name}: expected ${expected.length} inputs ${formatInputs(expected)} as the model was built, got ${got.length}.${reason}`,
      );
    }
    const isOneRow = got.every(({ shape }, i) => sameShape(shape, expected[i]!.shape.slice(1)));
    const lacksBatch = got.every(
      ({ shape }, i) => shape.length === expected[i]!.shape.length - 1 && shape.at(-1) === expected[i]!.shape.at(-1),
    );
    const advice = isOneRow
      ? `Reshape one row to ${expected.map(({ shape }) => formatShape([1, ...shape])).join(' and ')}.`
      : `${lacksBatch ? 'A single row needs the batch dimension, too: [1, …].' : 'Reshape the data, or make a new model.'}${reason}`;
    throw new ShapeError(
      `${name}: expected input of shape ${formatInputs(expected)} as the model was built, got ${formatInputs(got)}. ${advice}`,
    );
  }

  #refusalOf(rows: readonly TensorType[], count: number): string | undefined {
    try {
      return this.#serve(inputTensors(rows, count)) ? undefined : '';
    } catch (error) {
      if (error instanceof ShapeError || error instanceof StateError) return ` (${error.message})`;
      throw error;
    }
  }
}
