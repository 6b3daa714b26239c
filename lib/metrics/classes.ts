import { ShapeError, formatShape } from '../errors.js';
import { type Tensor, sameShape } from '../graph/tensor.js';
import { argmax } from '../ops/index.js';

/** Class ids [...] of a target that holds them, or one-hot or probability rows [..., C]. @throws ShapeError if it does neither */
export function classTarget(what: string, prediction: Tensor, target: Tensor): Tensor {
  const rows = prediction.shape.slice(0, -1);
  if (prediction.rank > 0 && sameShape(target.shape, rows)) return target;
  if (prediction.rank > 0 && sameShape(target.shape, prediction.shape)) return argmax(target);
  throw new ShapeError(
    `${what}: expected class ids of shape ${formatShape(rows)} or rows of shape ${formatShape(prediction.shape)} for target, got ${formatShape(target.shape)}. Reshape the target.`,
  );
}
