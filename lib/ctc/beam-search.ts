/** What a model trained by CTC has read, by all the paths of the likeliest labels. */
import type { NdArray } from '../array.js';
import { type CtcFrameOptions, ctcFrameRules, framesOf } from './frames.js';
import { DataError } from '../errors.js';
import { checkOptions, count } from '../options.js';

/** Options of {@link ctcBeamSearch}. */
export interface CtcBeamSearchOptions extends CtcFrameOptions {
  /** Beginnings that are followed from frame to frame. Default: 16. */
  readonly beamWidth?: number | undefined;
  /** Readings of each row, at most beamWidth. Default: 1. */
  readonly topPaths?: number | undefined;
}

/** Labels that a row of scores may stand for. */
export interface CtcReading {
  readonly labels: readonly number[];
  /** ln of the probability of the labels: that of all their paths which the beam has followed. */
  readonly logProbability: number;
}

/**
 * The likeliest labels, each by all of its paths: where the best path says nothing often enough, several worse ones may agree on a label.
 *
 * P(labels) = Σ Π_t softmax(logits[t])[path_t] over the paths that are the labels without repetitions and blanks. Frame by frame the
 * `beamWidth` likeliest beginnings are kept: exact where that is all of them. logits [N, T, C] → for each of N rows up to `topPaths` readings, the
 * likeliest first. Logarithms of probabilities are logits, too. It takes T · beamWidth · C steps a row on the calling thread.
 *
 * @throws OptionError for wrong options; ShapeError for other shapes; DataError for a score that is NaN, or a frame without a finite largest one
 * @see Graves and Jaitly 2014, http://proceedings.mlr.press/v32/graves14.html; https://www.tensorflow.org/api_docs/python/tf/nn/ctc_beam_search_decoder
 */
export function ctcBeamSearch(logits: NdArray, options: CtcBeamSearchOptions = {}): CtcReading[][] {
  checkOptions('ctcBeamSearch', options, { ...ctcFrameRules, beamWidth: count, topPaths: count });
  const { blank = 0, lengths, beamWidth = 16, topPaths = 1 } = options;
  return framesOf('ctcBeamSearch', logits, { blank, lengths }).map((frames) => {
    let beam: Beam = [[new Beginning(), { blank: 0, label: -Infinity }]];
    for (const frame of frames) beam = likeliest(goOn(beam, logSoftmax(frame), blank), beamWidth);
    return beam.slice(0, topPaths).map(([beginning, ends]) => ({ labels: beginning.labels(), logProbability: total(ends) }));
  });
}

/** The first labels of a reading: a tree, so that one that was dropped and is found again is the same. */
class Beginning {
  /** Those that have been in the beam. */
  readonly longer: Map<number, Beginning> = new Map();

  constructor(
    readonly before?: Beginning,
    readonly last?: number,
  ) {}

  labels(): readonly number[] {
    const labels: number[] = [];
    for (let at: Beginning = this; at.before !== undefined; at = at.before) labels.push(at.last!); // eslint-disable-line @typescript-eslint/no-this-alias
    return labels.reverse();
  }
}

/** ln of the probability of the paths so far that end in a blank, and of those that end in the last label. */
interface Ends {
  blank: number;
  label: number;
}

type Beam = readonly (readonly [Beginning, Ends])[];

/** The beginnings one frame later: a path stays what it is by a blank or its last label again, and grows by another label, or by the same after a blank. */
function goOn(beam: Beam, frame: Float64Array, blank: number): Beam {
  const next = new Map<Beginning, Ends>();
  const endsOf = (beginning: Beginning): Ends => {
    const ends = next.get(beginning) ?? { blank: -Infinity, label: -Infinity };
    next.set(beginning, ends);
    return ends;
  };
  for (const [beginning, before] of beam) {
    const all = total(before);
    const same = endsOf(beginning);
    same.blank = logAdd(same.blank, all + frame[blank]!);
    if (beginning.last !== undefined) same.label = logAdd(same.label, before.label + frame[beginning.last]!);
    for (const [label, score] of frame.entries()) {
      if (label === blank) continue;
      const longer = endsOf(beginning.longer.get(label) ?? new Beginning(beginning, label));
      longer.label = logAdd(longer.label, (label === beginning.last ? before.blank : all) + score);
    }
  }
  return [...next].filter(([, ends]) => total(ends) > -Infinity);
}

function likeliest(beam: Beam, count: number): Beam {
  const kept = beam.toSorted(([, a], [, b]) => total(b) - total(a)).slice(0, count);
  for (const [beginning] of kept) beginning.before?.longer.set(beginning.last!, beginning);
  return kept;
}

const total = ({ blank, label }: Ends): number => logAdd(blank, label);

/** ln(eᵃ + eᵇ) */
function logAdd(a: number, b: number): number {
  const [less, more] = a < b ? [a, b] : [b, a];
  return less === -Infinity ? more : more + Math.log1p(Math.exp(less - more));
}

/** @throws DataError unless one of the scores is the largest */
function logSoftmax(scores: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(scores);
  const largest = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (!Number.isFinite(largest)) throw new DataError(`ctcBeamSearch: expected a finite largest score in each frame, got ${largest}.`);
  const sum = Math.log(values.reduce((rest, value) => rest + Math.exp(value - largest), 0));
  return values.map((value) => value - largest - sum);
}
