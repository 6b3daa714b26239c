/** What the losses share: their reduction and their checks of shapes. */
import { ShapeError, formatShape } from '../errors.js';
import { type Tensor, sameShape } from '../graph/tensor.js';
import { mean, sum } from '../ops/index.js';
import { oneOf, type Rule } from '../options.js';
import type { Reduction } from './loss.js';

/** How a loss becomes one number. */
export interface ReductionOptions {
  /** How the losses of the elements become one number. Default: 'mean'. */
  readonly reduction?: Reduction;
}

export const reductionRule: Rule = oneOf('mean', 'sum');

export function reduceLoss(losses: Tensor, reduction: Reduction): Tensor {
  switch (reduction) {
    case 'mean':
      return mean(losses);
    case 'sum':
      return sum(losses);
    default:
      return reduction satisfies never;
  }
}

/** No broadcasting: [N, 1] against [N] would silently compare every prediction with every target. */
export function checkSameShape(what: string, prediction: Tensor, target: Tensor): void {
  if (!sameShape(prediction.shape, target.shape)) {
    throw new ShapeError(
      `${what}: expected target of the shape of the prediction ${formatShape(prediction.shape)}, got ${formatShape(target.shape)}. Reshape the target or change the last layer.`,
    );
  }
}
