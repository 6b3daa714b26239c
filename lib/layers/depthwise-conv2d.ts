import type { Tensor } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import { convolve } from '../ops/conv.js';
import { type Caller, checkChannels, checkImages } from '../ops/conv-geometry.js';
import { type Conv2dGeometry, type Pair, both, conv2dRules, pairOf } from '../ops/conv-options.js';
import { check, checkOptions, count } from '../options.js';
import { convParameterRules, convParameters } from './conv-parameters.js';
import { Layer } from './layer.js';
import { windowsLookAlong } from './looks-along.js';
import type { Scope } from './scope.js';

/** Options of {@link DepthwiseConv2d}. */
export interface DepthwiseConv2dOptions extends Omit<Conv2dGeometry, 'groups'> {
  /** Output channels made of each input channel. Default: 1. */
  readonly depthMultiplier?: number | undefined;
  /** Add a bias. Default: true. */
  readonly bias?: boolean | undefined;
  /** First values of the weight. Default: U(−1/√F, 1/√F), F = KH · KW, which is Kaiming uniform with a = √5. */
  readonly weightInit?: Initializer | undefined;
}

const caller: Caller = { what: 'DepthwiseConv2d', dimensions: 2 };
const { stride, padding, dilation } = conv2dRules;

/**
 * Slides kernels over each channel of images by itself: Conv2d with as many groups as channels.
 *
 * y[n, i, j, c·D + d] = b[c·D + d] + Σ x[n, i·stride − padding + kh·dilation, j·stride − padding + kw·dilation, c] · W[kh, kw, 0, c·D + d],
 * 0 outside the image, D the depth multiplier. x [N, H, W, C] → y [N, OH, OW, C · D], OH as in Conv2d;
 * parameters: weight W [KH, KW, 1, C · D], bias b [C · D], which starts as U(−1/√F, 1/√F).
 *
 * @throws OptionError for sizes that are no whole numbers ≥ 1 or wrong options; ShapeError if x is no [N, H, W, C] with C ≥ 1 or
 * the kernel is larger than the padded image
 * @see Howard et al. 2017, https://arxiv.org/abs/1704.04861
 */
export class DepthwiseConv2d extends Layer {
  constructor(
    readonly kernelSize: Pair,
    readonly options: DepthwiseConv2dOptions = {},
  ) {
    super();
    this.kernelSize = check('DepthwiseConv2d', 'kernelSize', kernelSize, pairOf(count));
    this.options = checkOptions('DepthwiseConv2d', options, { stride, padding, dilation, depthMultiplier: count, ...convParameterRules });
  }

  override looksAlongTime(): boolean {
    return windowsLookAlong(this.kernelSize, this.options);
  }

  forward(x: Tensor, scope: Scope): Tensor {
    checkImages(caller, x.shape);
    checkChannels('DepthwiseConv2d', x.shape);
    const { depthMultiplier = 1, bias, weightInit, ...geometry } = this.options;
    const [kh, kw] = both(this.kernelSize);
    const channels = x.shape[3]!;
    const outChannels = channels * depthMultiplier;
    const made = convParameters([kh, kw, 1, outChannels], outChannels, { bias, weightInit }, scope);
    return convolve(caller, x, made.weight, { ...geometry, groups: channels, bias: made.bias });
  }
}
