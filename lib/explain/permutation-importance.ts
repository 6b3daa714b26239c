/** Which columns of the data a trained model needs. */
import { NdArray } from '../array.js';
import { OptionError } from '../errors.js';
import type { Outputs } from '../graph/outputs.js';
import type { NumericArray } from '../native.js';
import { inputList } from '../model/data.js';
import { checkOptions, count, kindOf, nonNegativeInteger, seed as seedRule, text } from '../options.js';
import { Philox } from '../random.js';
import { type Batch, type Targets, isBatch } from '../training/batch.js';
import { Trainer } from '../training/trainer.js';

/** Options of {@link permutationImportance}. */
export interface PermutationImportanceOptions {
  /** What is watched: 'loss' or a metric of the trainer. Default: 'loss'. */
  readonly figure?: string | undefined;
  /** Shuffles of each column. Default: 5. */
  readonly repeats?: number | undefined;
  /** Decides the shuffles. Default: 0. */
  readonly seed?: number | undefined;
  /** Which input's columns, of a model of several. Default: 0. */
  readonly input?: number | undefined;
}

/** How a figure of the model changes when a column no longer belongs to its row. */
export interface ColumnImportance {
  /** From 0, along the last dimension of the input. */
  readonly column: number;
  /** The figure after shuffling minus the figure as it is, in the mean over the repeats: of a loss the larger the more important. */
  readonly mean: number;
  /** Standard deviation over the repeats. */
  readonly deviation: number;
}

/**
 * What each column is worth to a trained model: the column is shuffled among the rows, so that it says nothing while its values stay as they
 * are distributed, and the model is evaluated again. Take data that it was not trained on. Columns that say the same thing share their
 * importance: each can stand in for the other.
 *
 * @param trainer of the trained model
 * @param data x [N, …, columns] and y, x [N] being one column; of a sequence or an image the columns are its features or channels, shuffled among rows as a whole
 * @returns one entry for each column, in order
 * @throws as Trainer.evaluate; OptionError for a figure the trainer has not
 * @see Breiman 2001, "Random Forests", section 10; Fisher et al. 2018, https://arxiv.org/abs/1801.01489
 */
export async function permutationImportance(
  trainer: Trainer<Outputs>,
  data: Batch<Targets>,
  options: PermutationImportanceOptions = {},
): Promise<readonly ColumnImportance[]> {
  const what = 'permutationImportance';
  checkOptions(what, options, { figure: text, repeats: count, seed: seedRule, input: nonNegativeInteger });
  const { figure = 'loss', repeats = 5, seed = 0, input = 0 } = options;
  if (!(trainer instanceof Trainer)) throw new OptionError(`${what}: expected a Trainer, got ${kindOf(trainer)}.`);
  if (!isBatch(data)) throw new OptionError(`${what}: expected { x, y } of arrays, got ${kindOf(data)}.`);
  const inputs = inputList(data.x);
  const of = inputs[input];
  if (of === undefined) throw new OptionError(`${what}: expected an input in 0 … ${inputs.length - 1}, got ${input}.`);
  const figures = await trainer.evaluate(data);
  const before = figures[figure];
  if (before === undefined || !Object.hasOwn(figures, figure)) {
    throw new OptionError(
      `${what}: expected a figure among ${Object.keys(figures).join(', ')}, got "${figure}". Give the trainer that metric.`,
    );
  }

  const random = new Philox(seed);
  const importances: ColumnImportance[] = [];
  for (let column = 0; column < columnsOf(of); column++) {
    const changes: number[] = [];
    for (let k = 0; k < repeats; k++) {
      const x = inputs.with(input, shuffled(of, column, random.permutation(of.shape[0]!)));
      changes.push((await trainer.evaluate({ ...data, x }))[figure]! - before);
    }
    const mean = changes.reduce((a, b) => a + b, 0) / repeats;
    importances.push({ column, mean, deviation: Math.sqrt(changes.reduce((a, b) => a + (b - mean) ** 2, 0) / repeats) });
  }
  return importances;
}

function columnsOf({ rank, shape }: NdArray): number {
  return rank === 1 ? 1 : shape.at(-1)!;
}

/** x with the column of row order[i] in row i. */
function shuffled(x: NdArray, column: number, order: Int32Array): NdArray {
  const columns = columnsOf(x);
  const width = x.size / x.shape[0]!;
  const data: NumericArray = x.data.slice();
  order.forEach((from, to) => {
    for (let at = column; at < width; at += columns) data[to * width + at] = x.data[from * width + at]!;
  });
  return new NdArray(data, x.shape);
}
