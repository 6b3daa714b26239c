import { ShapeError, formatShape } from '../errors.js';
import { type Tensor, sameShape } from '../graph/tensor.js';
import { weightedMean } from '../losses/reduction.js';
import { argmax, mean, notEqual, sum } from '../ops/index.js';

/** Class ids [...] of a target that holds them, or one-hot or probability rows [..., C]. @throws ShapeError if it does neither */
export function classTarget(what: string, prediction: Tensor, target: Tensor): Tensor {
  const rows = prediction.shape.slice(0, -1);
  if (prediction.rank > 0 && sameShape(target.shape, rows)) return target;
  if (prediction.rank > 0 && sameShape(target.shape, prediction.shape)) return argmax(target);
  throw new ShapeError(
    `${what}: expected class ids of shape ${formatShape(rows)} or rows of shape ${formatShape(prediction.shape)} for target, got ${formatShape(target.shape)}. Reshape the target.`,
  );
}

/** Whether there is one prediction a row, with a target for each: shapes equal up to a last dimension of 1. */
export function isBinary(prediction: Tensor, target: Tensor): boolean {
  const rows = ({ shape }: Tensor): readonly number[] => (shape.length > 1 && shape.at(-1) === 1 ? shape.slice(0, -1) : shape);
  const single = prediction.rank === 1 || prediction.shape.at(-1) === 1;
  return single && prediction.size === target.size && sameShape(rows(prediction), rows(target));
}

/** The mean over the rows whose class is not `ignoreIndex`. */
export function meanOfRows(values: Tensor, ids: Tensor, ignoreIndex: number | undefined): Tensor {
  return ignoreIndex === undefined ? mean(values) : weightedMean(values, notEqual(ids, ignoreIndex));
}

/** How many rows there are whose class is not `ignoreIndex`; undefined: all of them. */
export function countOfRows(ids: Tensor, ignoreIndex: number | undefined): Tensor | undefined {
  return ignoreIndex === undefined ? undefined : sum(notEqual(ids, ignoreIndex));
}
