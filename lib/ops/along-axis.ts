/** Operations along one axis by kernels that work on rows, the last axis. */
import type { Tensor } from '../graph/tensor.js';
import { normalizeAxis } from '../graph/shape.js';
import { type Rule, type Rules, boolean, checkOptions, integer } from '../options.js';
import { floatsOf } from './elementwise.js';
import { reshape, transpose } from './shape.js';

/** Options of `softmax` and `logSoftmax`. */
export interface AxisOptions {
  /** The axis, negative from the end. Default: the last. */
  readonly axes?: number | undefined;
}

/** Options of `argmax`, `argmin` and `logSumExp`. */
export interface ReduceAxisOptions extends AxisOptions {
  /** Keep the reduced axis with size 1. Default: false. */
  readonly keepDims?: boolean | undefined;
}

const axis: Rule = { ...integer, expected: 'a whole number, one axis,' };
const axisRules: Rules<AxisOptions> = { axes: axis };
const reduceRules: Rules<ReduceAxisOptions> = { axes: axis, keepDims: boolean };

/** x with each row replaced by one as long. @param rows of x as float32, with the axis last */
export function mapAxis(what: string, input: Tensor, options: AxisOptions, rows: (x: Tensor) => Tensor): Tensor {
  const x = floatsOf(what, input);
  const { axes = -1 } = checkOptions(what, options, axisRules);
  const order = lastly(normalizeAxis(what, axes, x.rank), x.rank);
  const y = rows(transpose(x, order));
  return transpose(y, order.map((_, i) => order.indexOf(i))); // prettier-ignore
}

/** x with each row replaced by one value. @param rows of x as float32, with the axis last, which goes */
export function reduceAxis(what: string, input: Tensor, options: ReduceAxisOptions, rows: (x: Tensor) => Tensor): Tensor {
  const x = floatsOf(what, input);
  const { axes = -1, keepDims = false } = checkOptions(what, options, reduceRules);
  const at = normalizeAxis(what, axes, x.rank);
  const y = rows(transpose(x, lastly(at, x.rank)));
  return keepDims ? reshape(y, x.shape.with(at, 1)) : y;
}

/** All axes in order, but one last. */
function lastly(axis: number, rank: number): readonly number[] {
  return [...Array.from({ length: rank }, (_, i) => i).toSpliced(axis, 1), axis];
}
