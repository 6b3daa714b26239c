import type { NdArray } from '../array.js';
import { checkArray } from '../array-check.js';
import { DataError, ShapeError, formatShape } from '../errors.js';

/**
 * Area under the receiver operating characteristic: how likely a positive row has a higher score than a negative one, equal scores counting half.
 * 0.5 is chance, 1 a score that tells all apart, whatever its threshold.
 *
 * AUC = (Σ ranks of the positive rows − P (P + 1) / 2) / (P · N), equal scores sharing the mean of their ranks.
 * @param scores logits or probabilities [N] or [N, 1], as `model.predict` gives them
 * @param targets 1 for positive rows, 0 for the others, [N] or [N, 1]
 * @throws ShapeError if the arrays do not fit; DataError for what is no array, for other targets, for scores that are NaN, or if all rows are of one kind
 * @see Hanley and McNeil 1982, "The Meaning and Use of the Area under a Receiver Operating Characteristic (ROC) Curve"
 */
export function rocAuc(scores: NdArray, targets: NdArray): number {
  for (const [name, x] of Object.entries({ scores, targets })) checkArray('rocAuc', name, x);
  const single = ({ shape }: NdArray): boolean => shape.length === 1 || (shape.length === 2 && shape[1] === 1);
  if (!single(scores) || !single(targets) || scores.size !== targets.size) {
    throw new ShapeError(
      `rocAuc: expected scores and targets [N] or [N, 1], one a row, got ${formatShape(scores.shape)} and ${formatShape(targets.shape)}. Of several classes give the scores of one.`,
    );
  }
  const strange = targets.data.findIndex((target) => target !== 0 && target !== 1);
  if (strange >= 0) throw new DataError(`rocAuc: expected targets of 0 and 1, got ${targets.data[strange]} at row ${strange}.`);
  const missing = scores.data.findIndex(Number.isNaN);
  if (missing >= 0) throw new DataError(`rocAuc: expected scores, got NaN at row ${missing}.`);
  const positives = targets.data.filter((target) => target === 1).length;
  const negatives = targets.size - positives;
  if (positives === 0 || negatives === 0)
    throw new DataError(`rocAuc: expected rows of both kinds, got ${positives} positive and ${negatives} negative ones.`);
  return (rankSum(scores, targets) - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** The sum of the ranks, from 1, of the rows whose target is 1. */
function rankSum({ data: scores }: NdArray, { data: targets }: NdArray): number {
  const order = Array.from(scores, (_, row) => row).sort((a, b) => scores[a]! - scores[b]!);
  let sum = 0;
  for (let begin = 0; begin < order.length;) {
    let end = begin;
    let positives = 0;
    for (; end < order.length && scores[order[end]!] === scores[order[begin]!]; end++) positives += targets[order[end]!]!;
    sum += (positives * (begin + 1 + end)) / 2;
    begin = end;
  }
  return sum;
}
