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
 * likeliest first. Logarithms of probabilities are logits, too. It takes at most T · beamWidth · C steps a row on the calling thread.
 *
 * @throws OptionError for wrong options; ShapeError for other shapes; DataError for a score that is NaN, or a frame without a finite largest one
 * @see Graves and Jaitly 2014, http://proceedings.mlr.press/v32/graves14.html; https://www.tensorflow.org/api_docs/python/tf/nn/ctc_beam_search_decoder
 */
export function ctcBeamSearch(logits: NdArray, options: CtcBeamSearchOptions = {}): CtcReading[][] {
  checkOptions('ctcBeamSearch', options, { ...ctcFrameRules, beamWidth: count, topPaths: count });
  const { blank = 0, lengths, beamWidth = 16, topPaths = 1 } = options;
  return framesOf('ctcBeamSearch', logits, { blank, lengths }).map((frames) => {
    const none = new Beginning();
    none.blank = 1;
    let beam: readonly Beginning[] = [none];
    let logScale = 0;
    for (const frame of frames) {
      beam = goOn(beam, softmax(frame), blank, beamWidth);
      // The likeliest has probability 1 again, so that long rows do not underflow.
      const scale = beam[0]!.total;
      logScale += Math.log(scale);
      for (const beginning of beam) beginning.scale(1 / scale);
    }
    return beam.slice(0, topPaths).map((found) => ({ labels: labelsOf(found), logProbability: Math.log(found.total) + logScale }));
  });
}

/** The first labels of a reading: a node of a tree, so that one that was dropped and is found again is the same. */
class Beginning {
  inBeam = true;
  /** Those that have been in the beam. */
  #longer: Map<number, Beginning> | undefined;

  /** Probability of its paths that end in a blank. */
  blank = 0;
  /** Probability of its paths that end in the last label. */
  label = 0;

  constructor(
    readonly before?: Beginning,
    readonly last?: number,
  ) {}

  get total(): number {
    return this.blank + this.label;
  }

  /** The one with a label more, if that is in the beam. */
  longer(label: number): Beginning | undefined {
    const longer = this.#longer?.get(label);
    return longer?.inBeam === true ? longer : undefined;
  }

  /** The one with a label more, in the beam from now on. */
  grow(label: number, probability: number): Beginning {
    this.#longer ??= new Map();
    const longer = this.#longer.get(label) ?? new Beginning(this, label);
    this.#longer.set(label, longer);
    longer.inBeam = true;
    longer.blank = 0;
    longer.label = probability;
    return longer;
  }

  scale(factor: number): void {
    this.blank *= factor;
    this.label *= factor;
  }
}

function labelsOf(beginning: Beginning): readonly number[] {
  const labels: number[] = [];
  for (let at = beginning; at.before !== undefined; at = at.before) labels.push(at.last!);
  return labels.reverse();
}

/** A beginning with a label more that is not in the beam yet. */
interface Growth {
  readonly before: Beginning;
  readonly last: number;
  readonly total: number;
}

/** The likeliest beginnings one frame later: a path stays what it is by a blank or its last label again, and grows by another label, or by the same after a blank. */
function goOn(beam: readonly Beginning[], frame: Float64Array, blank: number, width: number): readonly Beginning[] {
  const before = beam.map((of) => ({ of, all: of.total, blank: of.blank }));
  for (const { of, all } of before) {
    of.label = of.last === undefined ? 0 : of.label * frame[of.last]!;
    of.blank = all * frame[blank]!;
  }
  const labels = [...frame.keys()].filter((label) => label !== blank && frame[label]! > 0).sort((a, b) => frame[b]! - frame[a]!);
  const gained = ({ of, all, blank }: (typeof before)[number], label: number): number => (label === of.last ? blank : all) * frame[label]!;
  for (const one of before)
    for (const label of labels) {
      const longer = one.of.longer(label);
      if (longer !== undefined) longer.label += gained(one, label);
    }
  let found: readonly (Beginning | Growth)[] = likeliest(beam, width);
  for (const one of before) {
    const grown: Growth[] = [];
    const least = found.length < width ? 0 : found.at(-1)!.total;
    for (const label of labels) {
      // Labels come in order: the others are no likelier.
      if (one.all * frame[label]! <= least) break;
      const total = gained(one, label);
      if (total > least && one.of.longer(label) === undefined) grown.push({ before: one.of, last: label, total });
    }
    if (grown.length > 0) found = likeliest([...found, ...grown], width);
  }
  for (const of of beam) of.inBeam = false;
  return found.map((of) => {
    if (!(of instanceof Beginning)) return of.before.grow(of.last, of.total);
    of.inBeam = true;
    return of;
  });
}

function likeliest<T extends { readonly total: number }>(beginnings: readonly T[], count: number): readonly T[] {
  return beginnings
    .filter(({ total }) => total > 0)
    .sort((a, b) => b.total - a.total)
    .slice(0, count);
}

/** @throws DataError unless one of the scores is the largest */
function softmax(scores: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(scores);
  const largest = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (!Number.isFinite(largest)) throw new DataError(`ctcBeamSearch: expected a finite largest score in each frame, got ${largest}.`);
  const shares = values.map((value) => Math.exp(value - largest));
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => share / sum);
}
