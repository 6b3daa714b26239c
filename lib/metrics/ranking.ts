/** How well scores rank positive rows above negative ones, whatever the threshold. */
import type { NdArray } from '../array.js';
import { checkArray } from '../array-check.js';
import { DataError, ShapeError, formatShape } from '../errors.js';

/**
 * Area under the receiver operating characteristic: how likely a positive row has a higher score than a negative one, equal scores counting half.
 * 0.5 is chance, 1 a score that tells all apart, whatever its threshold.
 *
 * AUC = (pairs of a positive and a negative row in the right order) / (P · N), pairs of equal scores counting ½.
 * @param scores logits or probabilities [N] or [N, 1], as `model.predict` gives them
 * @param targets 1 for positive rows, 0 for the others, [N] or [N, 1]
 * @throws ShapeError if the arrays do not fit; DataError for what is no array, for other targets, for scores that are NaN, or if all rows are of one kind
 * @see Hanley and McNeil 1982, "The Meaning and Use of the Area under a Receiver Operating Characteristic (ROC) Curve"
 */
export function rocAuc(scores: NdArray, targets: NdArray): number {
  return shareOfPairs(countsOf('rocAuc', scores, targets));
}

/**
 * Average precision, the area under the curve of precision over recall: of rare positive rows, where {@link rocAuc} is high as soon as most of the many
 * negative ones are told apart. The share of positive rows is chance, 1 a score that tells all apart.
 *
 * AP = Σ (Rᵢ − Rᵢ₋₁) · Pᵢ over the distinct scores from the highest, Pᵢ and Rᵢ precision and recall of the rows that reach score i; nothing is interpolated.
 * @param scores logits or probabilities [N] or [N, 1], as `model.predict` gives them
 * @param targets 1 for positive rows, 0 for the others, [N] or [N, 1]
 * @throws as rocAuc
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.average_precision_score.html
 */
export function averagePrecision(scores: NdArray, targets: NdArray): number {
  const counts = countsOf('averagePrecision', scores, targets);
  let [positives, rows, sum] = [0, 0, 0];
  for (let i = counts.length - 2; i >= 0; i -= 2) {
    positives += counts[i]!;
    rows += counts[i]! + counts[i + 1]!;
    sum += (counts[i]! * positives) / rows;
  }
  return sum / positives;
}

/** @param counts positive and negative rows in turn, of one score or bucket of scores after the other, the lowest first */
export function shareOfPairs(counts: Float64Array): number {
  let [positives, negatives, pairs] = [0, 0, 0];
  for (let i = 0; i < counts.length; i += 2) {
    pairs += counts[i]! * (negatives + counts[i + 1]! / 2);
    positives += counts[i]!;
    negatives += counts[i + 1]!;
  }
  return pairs / (positives * negatives);
}

/** Positive and negative rows of each distinct score, the lowest first. @throws as rocAuc */
function countsOf(what: string, scores: NdArray, targets: NdArray): Float64Array {
  checkRanked(what, scores, targets);
  const order = Uint32Array.from(scores.data, (_, row) => row).sort((a, b) => scores.data[a]! - scores.data[b]!);
  const counts = new Float64Array(2 * order.length);
  let end = 0;
  order.forEach((row, i) => {
    if (i === 0 || scores.data[row] !== scores.data[order[i - 1]!]) end += 2;
    counts[end - 2 + (targets.data[row] === 1 ? 0 : 1)]!++;
  });
  return counts.subarray(0, end);
}

function checkRanked(what: string, scores: NdArray, targets: NdArray): void {
  for (const [name, x] of Object.entries({ scores, targets })) checkArray(what, name, x);
  const single = ({ shape }: NdArray): boolean => shape.length === 1 || (shape.length === 2 && shape[1] === 1);
  if (!single(scores) || !single(targets) || scores.size !== targets.size) {
    throw new ShapeError(
      `${what}: expected scores and targets [N] or [N, 1], one a row, got ${formatShape(scores.shape)} and ${formatShape(targets.shape)}. Of several classes give the scores of one.`,
    );
  }
  const strange = targets.data.findIndex((target) => target !== 0 && target !== 1);
  if (strange >= 0) throw new DataError(`${what}: expected targets of 0 and 1, got ${targets.data[strange]} at row ${strange}.`);
  const missing = scores.data.findIndex(Number.isNaN);
  if (missing >= 0) throw new DataError(`${what}: expected scores, got NaN at row ${missing}.`);
  const positives = targets.data.filter((target) => target === 1).length;
  const negatives = targets.size - positives;
  if (positives === 0 || negatives === 0)
    throw new DataError(`${what}: expected rows of both kinds, got ${positives} positive and ${negatives} negative ones.`);
}
