/** What the losses of class ids share: checks, weights by class and their sum. */
import type { NdArray } from '../array.js';
import { DataError, ShapeError, formatShape } from '../errors.js';
import { dataLabel } from '../graph/label.js';
import { constant } from '../graph/source.js';
import { type Shape, coordinates, sameShape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { checkTensors } from '../ops/arguments.js';
import { knownIds } from '../ops/gather.js';
import { equal, mul, notEqual, oneHot, sum, where } from '../ops/index.js';
import { perLoss } from './reduction.js';

/** A kernel always has an ignored id; this one is none of a class and no data holds it by accident, nor does a cast of NaN give it, as it does −2³¹. */
export const noIgnoreIndex = 1 - 2 ** 31;

/** By how much probabilities of a row may miss 1 in sum: float rounding, not carelessness. */
export const sumTolerance = 1e-3;

/** What to do with a loss of classes and one score a row. */
export const ofOneScore = 'Of one score a row, with labels 0 and 1, use BCEWithLogitsLoss.';

/** How much a row counts, by its class. */
export interface ClassWeighting {
  /** A weight for each class. Default: all 1. */
  readonly weight: Float32Array | undefined;
  /** Rows of this class id count nothing. Default: none. */
  readonly ignoreIndex: number | undefined;
}

/** @throws ShapeError unless there is one weight a class */
export function checkWeight(what: string, weight: Float32Array | undefined, classes: number): void {
  if (weight !== undefined && weight.length !== classes) {
    throw new ShapeError(`${what}: expected ${classes} values for weight, one a class, got ${weight.length}.`);
  }
}

/** @throws ShapeError unless there is a score for each class in each row: of scores [N] the rows would be taken for classes */
export function checkScores(what: string, shape: Shape): void {
  if (shape.length >= 2) return;
  throw new ShapeError(
    `${what}: expected a score for each class, [N, C] or [..., C], got ${formatShape(shape)}. Of one score a row use BCEWithLogitsLoss and accuracy(); give one sample as [1, C].`,
  );
}

/** @throws DTypeError unless both are tensors, ShapeError unless the target holds one id for each row of the prediction */
export function checkIdShape(what: string, prediction: Tensor, target: Tensor): void {
  checkTensors(what, { prediction, target });
  checkScores(what, prediction.shape);
  const rows = prediction.shape.slice(0, -1);
  if (!sameShape(rows, target.shape)) {
    throw new ShapeError(
      `${what}: expected class ids of shape ${formatShape(rows)} for a prediction of shape ${formatShape(prediction.shape)}, got ${formatShape(target.shape)}. Reshape the target.`,
    );
  }
}

/** Ids for a loss. Those that are neither a class nor ignored stop the run: they may come from an augmentation or another loss, past all validation. */
export function lossIds(ids: Tensor, classes: number, ignoreIndex: number | undefined): Tensor {
  // Targets have the label of the augmentation that made them.
  const { label } = ids.node;
  const isMade = label !== '' && label !== dataLabel;
  const fraction = isMade ? `one that is not whole, which ${label} made of float32 (give ids as an Int32Array or Uint8Array),` : undefined;
  if (ignoreIndex === undefined) return knownIds('ids', ids, classes, fraction);
  const ignored = equal(ids, ignoreIndex);
  return where(ignored, ignoreIndex, knownIds('ids', where(ignored, 0, ids), classes, fraction));
}

/** 1 for rows that count, [...]; undefined: all do. */
export function keptRows(ids: Tensor, ignoreIndex: number | undefined): Tensor | undefined {
  return ignoreIndex === undefined ? undefined : notEqual(ids, ignoreIndex);
}

/** The weight of each row [...]: that of its class times its own, 0 where it is ignored; undefined if every row counts 1. */
export function rowWeights(
  ids: Tensor,
  classes: number,
  { weight, ignoreIndex }: ClassWeighting,
  sampleWeight: Tensor | undefined,
): Tensor | undefined {
  const kept = keptRows(ids, ignoreIndex);
  const ofClass = weight && sum(where(oneHot(ids, classes), constant(weight), 0), { axes: -1 });
  return perLoss(ids.shape, kept && ofClass ? mul(ofClass, kept) : (ofClass ?? kept), sampleWeight);
}

/** @throws DataError naming the first id that is no class, with what to do about it */
export function validateIds(
  what: string,
  target: NdArray,
  classes: number,
  ignoreIndex: number | undefined,
  advise: (id: number, classes: number) => string = adviceOn,
): void {
  const { data } = target;
  for (let i = 0; i < data.length; i++) {
    const id = data[i]!;
    if ((Number.isInteger(id) && id >= 0 && id < classes) || id === ignoreIndex) continue;
    throw new DataError(
      `${what}: expected class ids 0 … ${classes - 1}, got ${id} at row ${positionOf(i, target)}. ${advise(id, classes)}`,
    );
  }
}

function adviceOn(id: number, classes: number): string {
  if (!Number.isInteger(id)) return 'Give whole numbers, or learn numbers by MSELoss.';
  if (id === 1 && classes === 1) return ofOneScore;
  const more = id < 0 || id === 255 ? '' : ', give the last layer more outputs';
  return `Number the classes from 0${more}, or leave rows of it out by ignoreIndex: ${id}.`;
}

/** `7`, or `7 [2, 0]` for further dimensions, as messages name element i. */
export function positionOf(i: number, { shape }: NdArray): string {
  const [row = 0, ...inner] = coordinates(i, shape);
  return inner.length === 0 ? `${row}` : `${row} ${formatShape(inner)}`;
}
