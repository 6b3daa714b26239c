import { OptionError, ShapeError, formatShape } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { checkImages } from '../ops/conv-geometry.js';
import { type Pair, both, pairOf } from '../ops/conv-options.js';
import { type Taps, repeatPixels, resample } from '../ops/resample.js';
import { boolean, checkOptions, count, oneOf, positive } from '../options.js';
import { Layer } from './layer.js';

/** Options of {@link Upsample2d}. */
export interface Upsample2dOptions {
  /** Output pixels for each input pixel; the sizes are rounded down. This or `size` must be given. */
  readonly scale?: Pair | undefined;
  /** Rows and columns of the result. */
  readonly size?: Pair | undefined;
  /** 'nearest' repeats pixels, 'bilinear' interpolates between four. Default: 'nearest'. */
  readonly mode?: 'nearest' | 'bilinear' | undefined;
  /** Bilinear: the corner pixels keep their place, instead of the image's edges. Default: false. */
  readonly alignCorners?: boolean | undefined;
}

/**
 * Makes images larger (or smaller) by repeating pixels or by interpolation.
 *
 * Output row i lies at s = i·H/OH and takes row ⌊s⌋ (nearest), or at s = max(0, (i + ½)·H/OH − ½) (bilinear; i·(H − 1)/(OH − 1) with
 * alignCorners) and takes (1 − f)·x[⌊s⌋] + f·x[⌊s⌋ + 1], f = s − ⌊s⌋; columns likewise. With `scale`, 1/scale stands for H/OH.
 * x [N, H, W, C] → y [N, OH, OW, C]. No parameters. But for whole numbers of repetitions, a pixel that is not finite gives NaN in the
 * pixels of its row and column.
 *
 * @throws OptionError for wrong options, both or none of scale and size; ShapeError if x is no [N, H, W, C] or x or y has no pixels
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Upsample.html
 */
export class Upsample2d extends Layer {
  constructor(readonly options: Upsample2dOptions) {
    super();
    this.options = checkOptions('Upsample2d', options, {
      scale: pairOf(positive),
      size: pairOf(count),
      mode: oneOf('nearest', 'bilinear'),
      alignCorners: boolean,
    });
    const { scale, size, mode = 'nearest', alignCorners } = this.options;
    if ((scale === undefined) === (size === undefined))
      throw new OptionError(`Upsample2d: expected either scale or size, got ${scale === undefined ? 'none' : 'both'}.`);
    if (alignCorners !== undefined && mode === 'nearest')
      throw new OptionError("Upsample2d: expected alignCorners only with mode 'bilinear', got 'nearest'. Leave it out.");
  }

  override looksAlongTime(): boolean {
    return true;
  }

  forward(x: Tensor): Tensor {
    checkImages({ what: 'Upsample2d', dimensions: 2 }, x.shape);
    const { scale, size, mode = 'nearest', alignCorners = false } = this.options;
    const [, h, w] = x.shape as [number, number, number, number];
    const [down, across] = scale === undefined ? [undefined, undefined] : both(scale);
    const [oh, ow] = size === undefined ? [Math.floor(h * down!), Math.floor(w * across!)] : both(size);
    if (h === 0 || w === 0 || oh === 0 || ow === 0)
      throw new ShapeError(
        `Upsample2d: expected x and the result with pixels, got ${formatShape(x.shape)} and ${oh} × ${ow}. Make scale larger.`,
      );
    const [repeatDown, repeatAcross] = [down ?? oh / h, across ?? ow / w];
    if (mode === 'nearest' && Number.isInteger(repeatDown) && Number.isInteger(repeatAcross))
      return repeatPixels(x, repeatDown, repeatAcross);
    const taps = mode === 'nearest' ? nearest : alignCorners ? corners : bilinear;
    return resample(x, taps(h, oh, down), taps(w, ow, across));
  }
}

function nearest(size: number, wanted: number, scale?: number): readonly Taps[] {
  // One division, rounded once: 49 · (1 / 49) is less than 1.
  const row = (i: number): number => Math.floor(scale === undefined ? (i * size) / wanted : i / scale);
  return Array.from({ length: wanted }, (_, i) => [[Math.min(row(i), size - 1), 1]] as const);
}

function bilinear(size: number, wanted: number, scale?: number): readonly Taps[] {
  const step = scale === undefined ? size / wanted : 1 / scale;
  return Array.from({ length: wanted }, (_, i) => between(Math.max(0, (i + 0.5) * step - 0.5), size));
}

function corners(size: number, wanted: number): readonly Taps[] {
  return Array.from({ length: wanted }, (_, i) => between(wanted === 1 ? 0 : (i * (size - 1)) / (wanted - 1), size));
}

function between(at: number, size: number): Taps {
  const first = Math.min(Math.floor(at), size - 1);
  return first === size - 1 ? [[first, 1]] : [[first, 1 - (at - first)], [first + 1, at - first]]; // prettier-ignore
}
