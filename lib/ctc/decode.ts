/** What a model trained by CTC has read, frame by frame. */
import type { NdArray } from '../array.js';
import { type CtcFrameOptions, ctcFrameRules, framesOf } from './frames.js';
import { checkOptions } from '../options.js';

/** Options of {@link ctcDecode}. */
export type CtcDecodeOptions = CtcFrameOptions;

/**
 * The labels of the best path: of each frame the class with the highest score, the first of equal ones, without repetitions and blanks.
 * scores [N, T, C], logits or probabilities → N lists. Labels that are likely by several paths are found by {@link ctcBeamSearch}.
 * @throws OptionError for wrong options; ShapeError for other shapes; DataError for a score that is NaN
 */
export function ctcDecode(scores: NdArray, options: CtcDecodeOptions = {}): number[][] {
  checkOptions('ctcDecode', options, ctcFrameRules);
  const { blank = 0, lengths } = options;
  return framesOf('ctcDecode', scores, { blank, lengths }).map((frames) => {
    const best = frames.map(firstLargest);
    return best.filter((label, frame) => label !== blank && label !== best[frame - 1]);
  });
}

function firstLargest(scores: ArrayLike<number>): number {
  let best = 0;
  for (let c = 1; c < scores.length; c++) if (scores[c]! > scores[best]!) best = c;
  return best;
}
