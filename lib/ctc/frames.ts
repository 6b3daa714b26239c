/** What readers of CTC scores share: whose scores they are. */
import { NdArray, checkIntact } from '../array.js';
import { checkArray } from '../array-check.js';
import { DataError, OptionError, ShapeError, formatShape } from '../errors.js';
import { type Rule, check, nonNegativeInteger } from '../options.js';

/** Options that all readers of CTC scores share. */
export interface CtcFrameOptions {
  /** The class that stands for no label. Default: 0. */
  readonly blank?: number | undefined;
  /** Frames of each row, at most T: a list or an array [N]. Default: all. */
  readonly lengths?: ArrayLike<number> | NdArray | undefined;
}

const frameCounts: Rule = {
  expected: 'a list or array of whole numbers ≥ 0',
  // An array is looked into when it is known to be intact; what iterates over a detached list throws.
  accepts: (value) =>
    value instanceof NdArray ||
    ((Array.isArray(value) || ArrayBuffer.isView(value)) && Array.prototype.every.call(value, nonNegativeInteger.accepts)),
};

export const ctcFrameRules = { blank: nonNegativeInteger, lengths: frameCounts };

/** @throws StateError if the buffer of an array is gone; ShapeError unless it is [N]; OptionError for what are no counts */
function countsOf(what: string, lengths: CtcFrameOptions['lengths']): ArrayLike<number> | undefined {
  if (!(lengths instanceof NdArray)) return lengths;
  checkIntact(what, 'lengths', lengths);
  if (lengths.rank !== 1)
    throw new ShapeError(`${what}: expected lengths of shape [N], one for each row, got ${formatShape(lengths.shape)}. Reshape them.`);
  check(what, 'lengths', lengths.data, frameCounts);
  return lengths.data;
}

/**
 * The frames of each row, the scores [C] of each.
 * @throws ShapeError for other arrays; OptionError if the blank is no class, or a row has more frames; DataError for what is no array, or a score that is NaN; StateError for an array whose buffer is gone
 */
export function framesOf(
  what: string,
  scores: NdArray,
  options: { readonly blank: number; readonly lengths: CtcFrameOptions['lengths'] },
): readonly (readonly NdArray['data'][])[] {
  checkArray(what, 'scores', scores);
  const { blank } = options;
  const lengths = countsOf(what, options.lengths);
  if (scores.rank !== 3 || (lengths !== undefined && lengths.length !== scores.shape[0])) {
    const more = lengths === undefined ? '' : ` and ${lengths.length} lengths`;
    throw new ShapeError(`${what}: expected scores [N, T, C] and a length for each row, got ${formatShape(scores.shape)}${more}.`);
  }
  const [rows, t, classes] = scores.shape as [number, number, number];
  if (blank >= classes) throw new OptionError(`${what}: expected blank below the ${classes} classes, got ${blank}.`);
  const long = lengths === undefined ? -1 : Array.from(lengths).findIndex((length) => length > t);
  if (long >= 0) {
    throw new OptionError(
      `${what}: expected lengths of at most ${t}, the frames that the model gives, got ${lengths![long]} at row ${long}. Count those, not the steps of its input.`,
    );
  }
  return Array.from({ length: rows }, (_, n) =>
    Array.from({ length: lengths?.[n] ?? t }, (_, frame) => {
      const begin = (n * t + frame) * classes;
      const found = scores.data.subarray(begin, begin + classes);
      const bad = found.findIndex(Number.isNaN);
      if (bad >= 0) throw new DataError(`${what}: expected scores that are numbers, got NaN at element ${begin + bad}.`);
      return found;
    }),
  );
}
