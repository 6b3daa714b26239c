import type { NdArray } from '../array.js';
import { checkArray } from '../array-check.js';
import { DataError } from '../errors.js';
import { checkOptions, count, integer } from '../options.js';
import { validateIds } from './class-ids.js';

/** Options of {@link balancedClassWeights}. */
export interface BalancedClassWeightsOptions {
  /** How many classes there are, C. Default: one more than the largest id. */
  readonly classes?: number | undefined;
  /** Rows of this class id are padding and do not count. Default: none. */
  readonly ignoreIndex?: number | undefined;
}

/**
 * Weights by which rare classes count as much in a loss as common ones, for {@link CrossEntropyLossOptions.weight}.
 *
 * w_c = N / (C · N_c), of N rows N_c of class c.   targets class ids [...] → [C]; weighted by them the rows of each class sum to N / C
 * ```ts
 * const loss = new CrossEntropyLoss({ weight: balancedClassWeights(train.y) });
 * ```
 * @throws DataError for what is no array or one-hot rows of floats, naming the first id that is no class, or a class that no row has; OptionError for
 *   wrong options
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.utils.class_weight.compute_class_weight.html ('balanced')
 */
export function balancedClassWeights(targets: NdArray, options: BalancedClassWeightsOptions = {}): Float32Array {
  const { ignoreIndex, classes: given } = checkOptions(what, options, { classes: count, ignoreIndex: integer });
  checkArray(what, 'targets', targets, 'Wrap the ids: array(Int32Array.of(0, 1, 1)).');
  const { data } = targets;
  if (areOneHot(targets)) throw new DataError(`${what}: expected class ids, got one-hot rows. Give the ids, as an Int32Array.`);
  const { kept, most } = census(targets, ignoreIndex);
  if (kept === 0) {
    const got = targets.size === 0 ? 'none' : `only ${ignoreIndex}, which is ignored`;
    throw new DataError(`${what}: expected class ids, got ${got}. Give the targets of all rows.`);
  }
  const classes = given ?? most + 1;
  validateIds(what, targets, classes, ignoreIndex, adviceOn);
  // One more than there are rows holds a class without one, however large a stray id is.
  const rows = new Float64Array(Math.min(classes, kept + 1));
  // By index: for…of takes three times as long and more, 0.9 s for 2²⁶ bytes.
  for (let i = 0; i < data.length; i++) if (data[i] !== ignoreIndex && data[i]! < rows.length) rows[data[i]!]!++;
  const missing = rows.indexOf(0);
  if (missing >= 0) {
    const advice = most === 255 ? 'leave rows of 255 out by ignoreIndex: 255' : 'number the classes that there are';
    throw new DataError(
      `${what}: expected a row of each of the classes 0 … ${classes - 1}, got none of ${missing}. Give the targets of all rows, or ${advice}.`,
    );
  }
  return Float32Array.from(rows, (found) => kept / (classes * found));
}

const what = 'balancedClassWeights';

/** How many ids count, and the largest of them. */
function census({ data }: NdArray, ignoreIndex: number | undefined): { readonly kept: number; readonly most: number } {
  let [kept, most] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    const id = data[i]!;
    if (id === ignoreIndex) continue;
    kept++;
    if (id > most && Number.isInteger(id)) most = id;
  }
  return { kept, most };
}

/** Rows [..., C] of floats that are 0 but for a 1: each would count as C ids. */
function areOneHot({ data, shape, dtype }: NdArray): boolean {
  const columns = shape.at(-1) ?? 0;
  if (dtype !== 'float32' || shape.length < 2 || columns < 2 || data.length === 0) return false;
  let sum = 0;
  return data.every((value, i) => {
    sum += value;
    return (value === 0 || value === 1) && ((i + 1) % columns !== 0 || sum === (i + 1) / columns);
  });
}

function adviceOn(id: number): string {
  if (!Number.isInteger(id)) return 'Give whole numbers.';
  return `Number the classes from 0, or ${id < 0 || id === 255 ? `leave rows of it out by ignoreIndex: ${id}` : `give classes: ${id + 1}`}.`;
}
