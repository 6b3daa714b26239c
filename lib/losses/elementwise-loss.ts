import type { NdArray } from '../array.js';
import { DataError } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { indexOutside } from '../index-outside.js';
import { equal, sum } from '../ops/index.js';
import { type Rules, boolean } from '../options.js';
import { positionOf } from './class-ids.js';
import { Loss, type Reduction } from './loss.js';
import { type ReductionOptions, checkSameShape, keptOnly, perLoss, reduceWeighted, reductionRule } from './reduction.js';

/** Options of losses that compare element by element. */
export interface ElementwiseLossOptions extends ReductionOptions {
  /** Targets that are NaN count nothing: values that are missing, or lie behind the end of a sequence. Default: false. */
  readonly ignoreNaN?: boolean | undefined;
}

export const elementwiseLossRules: Rules<ElementwiseLossOptions> = { reduction: reductionRule, ignoreNaN: boolean };

/** A loss of each element, and the mean or sum of those that count. Targets that are not finite are refused by `validate`, but for NaN with `ignoreNaN`; a loss that
 * can do with them overrides it. */
export abstract class ElementwiseLoss extends Loss {
  override readonly reduction: Reduction;
  override readonly ignoreNaN: boolean;

  constructor({ reduction = 'mean', ignoreNaN = false }: ElementwiseLossOptions = {}) {
    super();
    this.reduction = reduction;
    this.ignoreNaN = ignoreNaN;
  }

  /** The loss of each element; the shapes are equal. */
  abstract losses(prediction: Tensor, target: Tensor): Tensor;

  forward(prediction: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor {
    checkSameShape(this.constructor.name, prediction, target);
    const weights = perLoss(target.shape, counted(target, this.ignoreNaN), sampleWeight);
    const losses = this.losses(keptOnly(prediction, weights), keptOnly(target, weights));
    return reduceWeighted(losses, weights, this.reduction);
  }

  override weight(_prediction: Tensor, target: Tensor, sampleWeight?: Tensor): Tensor | undefined {
    const weights = perLoss(target.shape, counted(target, this.ignoreNaN), sampleWeight);
    return weights && sum(weights);
  }

  /** Looks for targets that are no finite numbers, of which one spoils all weights. */
  override validate(target: NdArray): void {
    validateFinite(this.constructor.name, target, this.ignoreNaN);
  }
}

const leaveOut = 'Leave such targets out by ignoreNaN: true.';

/** @throws DataError naming the first target that is no finite number */
export function validateFinite(what: string, target: NdArray, allowsNaN: boolean): void {
  const i = indexOutside(target.data, -Number.MAX_VALUE, Number.MAX_VALUE, allowsNaN);
  if (i < 0) return;
  const value = target.data[i]!;
  const advice = Number.isNaN(value) ? leaveOut : 'Clean the data.';
  throw new DataError(`${what}: expected finite targets, got ${value} at row ${positionOf(i, target)}. ${advice}`);
}

/** @throws DataError naming the first target that is not in [0, 1] */
export function validateUnit(what: string, target: NdArray, allowsNaN: boolean, advice: string): void {
  const i = indexOutside(target.data, 0, 1, allowsNaN);
  if (i < 0) return;
  const value = target.data[i]!;
  throw new DataError(
    `${what}: expected targets in [0, 1], got ${value} at row ${positionOf(i, target)}. ${Number.isNaN(value) ? leaveOut : advice}`,
  );
}

/** With ignoreNaN 1 where a target is a number, 0 where it is NaN; undefined: all count. */
export function counted(target: Tensor, ignoreNaN: boolean): Tensor | undefined {
  return ignoreNaN ? equal(target, target) : undefined;
}
