/** What a model trained by CTC has read. */
import type { NdArray } from './array.js';
import { DataError, ShapeError, formatShape } from './errors.js';
import { type Rule, checkOptions, nonNegativeInteger } from './options.js';

/** Options of {@link ctcDecode}. */
export interface CtcDecodeOptions {
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

/**
 * The labels of the best path: of each frame the class with the highest score, the first of equal ones, without repetitions and blanks.
 * scores [N, T, C], logits or probabilities → N lists.
 * @throws OptionError for wrong options; ShapeError for other shapes; DataError for a score that is NaN
 */
export function ctcDecode(scores: NdArray, options: CtcDecodeOptions = {}): number[][] {
  checkOptions('ctcDecode', options, { blank: nonNegativeInteger, lengths: frameCounts });
  const { blank = 0, lengths } = options;
  if (scores.rank !== 3 || (lengths !== undefined && lengths.length !== scores.shape[0])) {
    const more = lengths === undefined ? '' : ` and ${lengths.length} lengths`;
    throw new ShapeError(`ctcDecode: expected scores [N, T, C] and a length for each row, got ${formatShape(scores.shape)}${more}.`);
  }
  const [rows, t, classes] = scores.shape as [number, number, number];
  return Array.from({ length: rows }, (_, n) => {
    const labels: number[] = [];
    let before = blank;
    for (let frame = 0; frame < Math.min(lengths?.[n] ?? t, t); frame++) {
      const best = highest(scores, (n * t + frame) * classes, classes);
      if (best !== before && best !== blank) labels.push(best);
      before = best;
    }
    return labels;
  });
}

function highest({ data }: NdArray, begin: number, classes: number): number {
  let best = 0;
  for (let c = 0; c < classes; c++) {
    const score = data[begin + c]!;
    if (Number.isNaN(score)) throw new DataError(`ctcDecode: expected scores that are numbers, got NaN at element ${begin + c}.`);
    if (score > data[begin + best]!) best = c;
  }
  return best;
}
