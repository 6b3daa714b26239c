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
 * @throws DataError for what is no array, naming the first id that is no class, or a class that no row has; OptionError for wrong options
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.utils.class_weight.compute_class_weight.html ('balanced')
 */
export function balancedClassWeights(targets: NdArray, options: BalancedClassWeightsOptions = {}): Float32Array {
  const { ignoreIndex, classes: given } = checkOptions(what, options, { classes: count, ignoreIndex: integer });
  checkArray(what, 'targets', targets, 'Wrap the ids: array(Int32Array.of(0, 1, 1)).');
  const { data } = targets;
  const kept = [...data].filter((id) => id !== ignoreIndex);
  const classes = given ?? 1 + kept.reduce((most, id) => (Number.isInteger(id) && id > most ? id : most), 0);
  validateIds(what, targets, classes, ignoreIndex);
  const rows = new Map<number, number>();
  for (const id of kept) rows.set(id, (rows.get(id) ?? 0) + 1);
  return Float32Array.from({ length: classes }, (_, c) => {
    const found = rows.get(c);
    if (found !== undefined) return kept.length / (classes * found);
    throw new DataError(
      `${what}: expected a row of each of the classes 0 … ${classes - 1}, got none of ${c}. Give the targets of all rows, or number the classes that there are.`,
    );
  });
}

const what = 'balancedClassWeights';
