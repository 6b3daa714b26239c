/** Drawing the next token from a model's logits. */
import { NdArray } from './array.js';
import { DataError, OptionError, ShapeError, formatShape } from './errors.js';
import { type Rule, checkOptions, count, nonNegative } from './options.js';
import type { Random } from './random.js';

/** Options of {@link sampleLogits}. */
export interface SamplingOptions {
  /** Where the random numbers come from: `new Philox(seed)`. One number is drawn for each row. */
  readonly random: Random;
  /** Logits are divided by it: below 1 likely tokens become likelier, 0 takes the likeliest. Default: 1. */
  readonly temperature?: number;
  /** Only the k likeliest tokens are drawn. Default: all. */
  readonly topK?: number;
  /** Only the likeliest tokens that together have this probability are drawn, at least one; after topK. Default: 1, which is all. */
  readonly topP?: number;
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
 * @throws OptionError for wrong options; ShapeError if there is no class; DataError if a logit is NaN or +∞, or all of a row are −∞
 * @see Holtzman et al. 2019, https://arxiv.org/abs/1904.09751 (top-p)
 */
export function sampleLogits(logits: NdArray, options: SamplingOptions): Int32Array {
  checkOptions('sampleLogits', options, { random: source, temperature: nonNegative, topK: count, topP: share });
  if (!(logits instanceof NdArray)) throw new OptionError(`sampleLogits: expected logits made by array(), got ${typeof logits}.`);
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
  const weights = Float64Array.from(logits, (x) => Math.exp((x - logits[best]!) / temperature));
  const limited = topK < logits.length || topP < 1;
  const candidates = Int32Array.from(weights, (_, id) => id);
  // Sorting is stable: of equal weights the first stays first.
  if (limited) candidates.sort((a, b) => weights[b]! - weights[a]!);
  const kept = topP < 1 ? nucleus(candidates.subarray(0, topK), weights, topP) : candidates.subarray(0, topK);
  return draw(kept, weights, u * total(kept, weights));
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

/** The shortest beginning of the candidates, likeliest first, that has the share `topP` of their weight. */
function nucleus(candidates: Int32Array, weights: Float64Array, topP: number): Int32Array {
  const wanted = topP * total(candidates, weights);
  let sum = 0;
  const last = candidates.findIndex((id) => (sum += weights[id]!) >= wanted);
  return last < 0 ? candidates : candidates.subarray(0, last + 1);
}

function total(ids: Int32Array, weights: Float64Array): number {
  return ids.reduce((sum, id) => sum + weights[id]!, 0);
}

/** The id in whose stretch of the summed weights `point` lies. */
function draw(ids: Int32Array, weights: Float64Array, point: number): number {
  let sum = 0;
  let last = ids[0]!;
  for (const id of ids) {
    if (weights[id] === 0) continue;
    last = id;
    sum += weights[id]!;
    if (point < sum) break;
  }
  return last;
}
