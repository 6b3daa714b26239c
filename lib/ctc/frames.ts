/** What readers of CTC scores share: whose scores they are. */
import { NdArray } from '../array.js';
import { DTypeError, DataError, OptionError, ShapeError, formatShape } from '../errors.js';
import { type Rule, kindOf, nonNegativeInteger } from '../options.js';

/** Options that all readers of CTC scores share. */
export interface CtcFrameOptions {
  /** The class that stands for no label. Default: 0. */
  readonly blank?: number | undefined;
  /** Frames of each row. Default: all. */
  readonly lengths?: ArrayLike<number> | undefined;
}

const frameCounts: Rule = {
  expected: 'a list of whole numbers ≥ 0',
  accepts: (value) =>
    (Array.isArray(value) || ArrayBuffer.isView(value)) && Array.from(value as ArrayLike<unknown>).every(nonNegativeInteger.accepts),
};

export const ctcFrameRules = { blank: nonNegativeInteger, lengths: frameCounts };

/**
 * The frames of each row, the scores [C] of each.
 * @throws ShapeError, DTypeError for other arrays; OptionError if the blank is no class; DataError for a score that is NaN
 */
export function framesOf(
  what: string,
  scores: NdArray,
  { blank, lengths }: { readonly blank: number; readonly lengths: ArrayLike<number> | undefined },
): readonly (readonly NdArray['data'][])[] {
  if (!(scores instanceof NdArray)) throw new DTypeError(`${what}: expected scores made by array(), got ${kindOf(scores)}.`);
  if (scores.rank !== 3 || (lengths !== undefined && lengths.length !== scores.shape[0])) {
    const more = lengths === undefined ? '' : ` and ${lengths.length} lengths`;
    throw new ShapeError(`${what}: expected scores [N, T, C] and a length for each row, got ${formatShape(scores.shape)}${more}.`);
  }
  const [rows, t, classes] = scores.shape as [number, number, number];
  if (blank >= classes) throw new OptionError(`${what}: expected blank below the ${classes} classes, got ${blank}.`);
  return Array.from({ length: rows }, (_, n) =>
    Array.from({ length: Math.min(lengths?.[n] ?? t, t) }, (_, frame) => {
      const begin = (n * t + frame) * classes;
      const found = scores.data.subarray(begin, begin + classes);
      const bad = found.findIndex(Number.isNaN);
      if (bad >= 0) throw new DataError(`${what}: expected scores that are numbers, got NaN at element ${begin + bad}.`);
      return found;
    }),
  );
}
