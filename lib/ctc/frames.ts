/** What readers of CTC scores share: whose scores they are. */
import { NdArray } from '../array.js';
import { checkArray } from '../array-check.js';
import { DataError, OptionError, ShapeError, formatShape } from '../errors.js';
import { type Rule, nonNegativeInteger } from '../options.js';

/** Options that all readers of CTC scores share. */
export interface CtcFrameOptions {
  /** The class that stands for no label. Default: 0. */
  readonly blank?: number | undefined;
  /** Frames of each row, at most T: a list or an array [N]. Default: all. */
  readonly lengths?: ArrayLike<number> | NdArray | undefined;
}

const frameCounts: Rule = {
  expected: 'a list of whole numbers ≥ 0',
  accepts: (value) => {
    const list: unknown = value instanceof NdArray ? value.data : value;
    return (Array.isArray(list) || ArrayBuffer.isView(list)) && Array.from(list as ArrayLike<unknown>).every(nonNegativeInteger.accepts);
  },
};

export const ctcFrameRules = { blank: nonNegativeInteger, lengths: frameCounts };

/**
 * The frames of each row, the scores [C] of each.
 * @throws ShapeError for other arrays; OptionError if the blank is no class, or a row has more frames; DataError for what is no array, or a score that is NaN
 */
export function framesOf(
  what: string,
  scores: NdArray,
  options: { readonly blank: number; readonly lengths: CtcFrameOptions['lengths'] },
): readonly (readonly NdArray['data'][])[] {
  checkArray(what, 'scores', scores);
  const { blank } = options;
  const lengths = options.lengths instanceof NdArray ? options.lengths.data : options.lengths;
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
