import type { Tensor } from '../graph/tensor.js';
import { checkImages } from '../ops/conv-geometry.js';
import { cast, pad } from '../ops/index.js';
import { check, checkOptions, either, finite, nonNegativeInteger, tuple } from '../options.js';
import { Layer } from './layer.js';

/** Options of {@link Pad}. */
export interface PadOptions {
  /** What the margin is filled with. Default: 0. */
  readonly value?: number | undefined;
}

/**
 * Puts a margin of one value around images.
 *
 * x [N, H, W, C] → y [N, top + H + bottom, left + W + right, C]. No parameters.
 *
 * @throws OptionError if size is neither a whole number ≥ 0 nor four [top, bottom, left, right], or value is not finite; ShapeError
 * if x is no [N, H, W, C]
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad2d.html
 */
export class Pad extends Layer {
  constructor(
    readonly size: number | readonly [top: number, bottom: number, left: number, right: number],
    readonly options: PadOptions = {},
  ) {
    super();
    this.size = check('Pad', 'size', size, either(nonNegativeInteger, tuple(4, nonNegativeInteger)));
    this.options = checkOptions('Pad', options, { value: finite });
  }

  override looksAlongTime(): boolean {
    return true;
  }

  forward(x: Tensor): Tensor {
    checkImages({ what: 'Pad', dimensions: 2 }, x.shape);
    const [top, bottom, left, right] = typeof this.size === 'number' ? ([this.size, this.size, this.size, this.size] as const) : this.size;
    return pad(cast(x, 'float32'), [[0, 0], [top, bottom], [left, right], [0, 0]], this.options.value ?? 0); // prettier-ignore
  }
}
