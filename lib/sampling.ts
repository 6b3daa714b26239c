/** Drawing the next token from a model's logits. */
import type { NdArray } from './array.js';
import { checkArray } from './array-check.js';
import { DataError, ShapeError, formatShape } from './errors.js';
import { type Rule, checkOptions, count, nonNegative } from './options.js';
import type { Random } from './random.js';

/** Options of {@link sampleLogits}. */
export interface SamplingOptions {
  /** Where the random numbers come from: `new Philox(seed)`. One number is drawn for each row. */
  readonly random: Random;
  /** Logits are divided by it: below 1 likely tokens become likelier, 0 takes the likeliest. Default: 1. */
  readonly temperature?: number | undefined;
  /** Only the k likeliest tokens are drawn. Default: all. */
  readonly topK?: number | undefined;
  /** Only the likeliest tokens that together have this probability are drawn, at least one; after topK. Default: 1, which is all. */
  readonly topP?: number | undefined;
}

const source: Rule = {
  expected: 'a source of random numbers such as new Philox(seed)',
  accepts: (value) => typeof value === 'object' && value !== null && 'uniform53' in value,
  required: true,
};
const share: Rule = { expected: 'a number in (0, 1]', accepts: (value) => typeof value === 'number' && value > 0 && value <= 1 };

/**
 * One token for each row of logits, drawn with probability softmax(logits / temperature). Of equal logits the first ids count as likelier.
 * logits [C] or [..., C] → int32, one id a row.
 *
 * @throws OptionError for wrong options; ShapeError if there is no class; DataError for what is no array, or if a logit is NaN or +∞, or all of a row are −∞
 * @see Holtzman et al. 2019, https://arxiv.org/abs/1904.09751 (top-p)
 */
export function sampleLogits(logits: NdArray, options: SamplingOptions): Int32Array {
  checkOptions('sampleLogits', options, { random: source, temperature: nonNegative, topK: count, topP: share });
  checkArray('sampleLogits', 'logits', logits);
  const classes = logits.shape.at(-1) ?? 0;
  if (classes === 0) throw new ShapeError(`sampleLogits: expected logits [..., C] with C ≥ 1, got ${formatShape(logits.shape)}.`);
  const rows = logits.size / classes;
  const draws = options.random.uniform53(rows);
  return Int32Array.from({ length: rows }, (_, row) => {
    const values = logits.data.subarray(row * classes, (row + 1) * classes);
    return sampleRow(values, row, draws[row]!, options);
  });
}

/** @param u uniform in [0, 1) */
function sampleRow(
  logits: ArrayLike<number>,
  row: number,
  u: number,
  { temperature = 1, topK = logits.length, topP = 1 }: SamplingOptions,
): number {
  const best = likeliest(logits, row);
  if (temperature === 0 || topK === 1) return best;
  // Relative to the likeliest, whose weight is 1: nothing overflows.
  const weights = new Float64Array(logits.length);
  for (let id = 0; id < weights.length; id++) weights[id] = Math.exp((logits[id]! - logits[best]!) / temperature);
  if (topK >= logits.length && topP === 1) return draw(weights, u);
  // The numbers alone are sorted, many times faster than ids by their numbers.
  const candidates = weights.toSorted().reverse().subarray(0, topK);
  const kept = topP < 1 ? nucleus(candidates, topP) : candidates;
  const rank = draw(kept, u);
  return idOf(weights, kept[rank]!, rank - kept.indexOf(kept[rank]!));
}

/** The first of the largest logits. */
function likeliest(logits: ArrayLike<number>, row: number): number {
  let best = 0;
  for (let id = 0; id < logits.length; id++) {
    const x = logits[id]!;
    if (Number.isNaN(x) || x === Infinity) {
      throw new DataError(`sampleLogits: expected logits below ∞, got ${x} for id ${id} in row ${row}. Look for where training diverged.`);
    }
    if (x > logits[best]!) best = id;
  }
  if (logits[best] === -Infinity) throw new DataError(`sampleLogits: expected a possible token in row ${row}, got −∞ for all.`);
  return best;
}

/** The shortest beginning of the weights, largest first, that has the share `topP` of them. */
function nucleus(weights: Float64Array, topP: number): Float64Array {
  const wanted = topP * total(weights);
  let sum = 0;
  const last = weights.findIndex((weight) => (sum += weight) >= wanted);
  return last < 0 ? weights : weights.subarray(0, last + 1);
}

function total(weights: Float64Array): number {
  let sum = 0;
  for (const weight of weights) sum += weight;
  return sum;
}

/** Where in the summed weights the share `u` of them lies. */
function draw(weights: Float64Array, u: number): number {
  const point = u * total(weights);
  let sum = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    last = i;
    sum += weights[i]!;
    if (point < sum) break;
  }
  return last;
}

/** The id that has this weight after `before` others that have it: of equal weights the first stays first. */
function idOf(weights: Float64Array, weight: number, before: number): number {
  let id = weights.indexOf(weight);
  for (; before > 0; before--) id = weights.indexOf(weight, id + 1);
  return id;
}
