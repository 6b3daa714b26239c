import { NdArray } from '../array.js';
import { DataError, ShapeError, formatShape } from '../errors.js';
import { largestFloat } from '../floats.js';
import type { Shape } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { checkTensors } from '../ops/arguments.js';
import { ctc, div, full, greater, logSoftmax, maximum, notEqual, sum, where } from '../ops/index.js';
import { checkBlank } from '../ops/ctc.js';
import { boolean, checkOptions, nonNegativeInteger } from '../options.js';
import { Loss, type Reduction, type TargetsOf } from './loss.js';
import { type ReductionOptions, reduceWeighted, reductionRule, rowsOnly } from './reduction.js';

/** Options of {@link CTCLoss}. */
export interface CTCLossOptions extends ReductionOptions {
  /** The class that stands for no label. Default: 0. */
  readonly blank?: number | undefined;
  /** Rows with too few frames for their labels count 0 instead of being refused. Default: false. */
  readonly zeroInfinity?: boolean | undefined;
}

/** Labels int32 [N, S], −1 behind the last of a row; where rows have different numbers of frames also these, int32 [N]. */
export type CTCTarget = Tensor | { readonly labels: Tensor; readonly lengths: Tensor };

/**
 * Measures how unlikely labels are that come in order, without it being known in which frames: of speech, of handwriting.
 *
 * ℓ = −ln Σ p(path) over all paths of classes that become the labels when repetitions and then blanks are left out.
 * logits [N, T, C], labels y [N, S] → []; the mean is that of ℓ / (labels of the row), as in PyTorch. A row of L labels of which R follow an equal
 * one needs L + R frames. Read the labels of a trained model by {@link ctcDecode}.
 * ```ts
 * const loss = new CTCLoss();
 * await trainer.fit({ x: spectra, y: { labels, lengths } }, { epochs: 20 }); // or y: labels, where all rows have T frames
 * ```
 * @throws OptionError for wrong options; ShapeError for other shapes; DataError for other names, labels that are none, and too few frames
 * @see Graves et al. 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf; https://pytorch.org/docs/stable/generated/torch.nn.CTCLoss.html
 *   (there logarithms of probabilities [T, N, C])
 */
export class CTCLoss extends Loss<Tensor, CTCTarget> {
  readonly blank: number;
  readonly zeroInfinity: boolean;
  override readonly reduction: Reduction;

  constructor(options: CTCLossOptions = {}) {
    super();
    const rules = { blank: nonNegativeInteger, zeroInfinity: boolean, reduction: reductionRule };
    const { blank = 0, zeroInfinity = false, reduction = 'mean' } = checkOptions('CTCLoss', options, rules);
    this.blank = blank;
    this.zeroInfinity = zeroInfinity;
    this.reduction = reduction;
  }

  forward(logits: Tensor, target: CTCTarget, sampleWeight?: Tensor): Tensor {
    const { labels, lengths } = partsOf(target);
    checkTensors('CTCLoss', { logits, labels });
    checkShapes(logits.shape, labels.shape);
    checkBlank('CTCLoss', this.blank, logits.shape[2]!);
    const losses = ctc(logSoftmax(rowsOnly(logits, sampleWeight)), labels, { blank: this.blank, lengths });
    // What is beyond is ∞, and no NaN.
    const counted = this.zeroInfinity ? where(greater(losses, largestFloat), 0, losses) : losses;
    if (this.reduction === 'sum') return reduceWeighted(counted, sampleWeight, 'sum');
    const counts = maximum(sum(notEqual(labels, -1), { axes: 1 }), 1);
    return reduceWeighted(div(counted, counts), sampleWeight, 'mean');
  }

  /** The rows, each of which has its own mean. */
  override weight(logits: Tensor, _target: CTCTarget, sampleWeight?: Tensor): Tensor {
    return sampleWeight === undefined ? full([], logits.shape[0]!) : sum(sampleWeight);
  }

  /** Looks for labels out of range, and for rows of too few frames. */
  override validate(target: TargetsOf<CTCTarget>, predictionShape: Shape): void {
    const { labels, lengths } = partsOf(target);
    if (predictionShape.length !== 3 || labels.rank !== 2) return; // forward says what is wrong
    const [, t, classes] = predictionShape as [number, number, number];
    const [rows, width] = labels.shape as [number, number];
    for (let n = 0; n < rows; n++) {
      const frames = lengths?.data[n] ?? t;
      if (!(Number.isInteger(frames) && frames >= 1 && frames <= t))
        throw new DataError(`CTCLoss: expected lengths 1 … ${t}, the frames that the model gives, got ${frames} at row ${n}.`);
      const needed = framesNeeded(labels, n, width, classes, this.blank);
      if (needed > frames && !this.zeroInfinity) {
        throw new DataError(
          `CTCLoss: expected ${needed} frames at least for the labels of row ${n}, one each and a blank between equal ones, got ${frames}. Leave the row out, let the model give more frames, or set zeroInfinity.`,
        );
      }
    }
  }
}

interface Parts<T> {
  readonly labels: T;
  readonly lengths: T | undefined;
}

/** @throws DataError for targets by other names: lengths that nobody looks at would have the loss learn what they leave out */
function partsOf(target: CTCTarget): Parts<Tensor>;
function partsOf(target: TargetsOf<CTCTarget>): Parts<NdArray>;
function partsOf(target: CTCTarget | TargetsOf<CTCTarget>): Parts<Tensor> | Parts<NdArray> {
  if (target instanceof NdArray) return { labels: target, lengths: undefined };
  // What is no object is for the check of tensors.
  if (target instanceof Tensor || typeof target !== 'object') return { labels: target, lengths: undefined };
  const names = Object.keys(target);
  if (names.includes('labels') && names.every((name) => name === 'labels' || name === 'lengths')) return target;
  throw new DataError(`CTCLoss: expected labels, or { labels, lengths }, for y, got { ${names.join(', ')} }.`);
}

/** One for each label of row n, and one for a blank between equal ones. @throws DataError for what is no label, or comes behind −1 */
function framesNeeded(labels: NdArray, n: number, width: number, classes: number, blank: number): number {
  const row = Array.from(labels.data.subarray(n * width, (n + 1) * width));
  const count = row.includes(-1) ? row.indexOf(-1) : width;
  const isLabel = (label: number): boolean => Number.isInteger(label) && label >= 0 && label < classes && label !== blank;
  const bad = row.findIndex((label, i) => !(i < count ? isLabel(label) : label === -1));
  if (bad >= 0) {
    throw new DataError(
      `CTCLoss: expected labels 0 … ${classes - 1} but the blank ${blank}, and −1 behind the last of a row, got ${row[bad]} at row ${n} [${bad}].`,
    );
  }
  return row.slice(0, count).reduce((needed, label, i) => needed + (label === row[i - 1] ? 2 : 1), 0);
}

function checkShapes(logits: Shape, labels: Shape): void {
  if (logits.length === 3 && labels.length === 2 && logits[0] === labels[0]) return;
  throw new ShapeError(
    `CTCLoss: expected logits [N, T, C] and labels [N, S], got ${formatShape(logits)} and ${formatShape(labels)}. Let the model keep its frames, and pad labels with −1.`,
  );
}
