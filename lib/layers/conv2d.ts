import type { Tensor } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import { convolve } from '../ops/conv.js';
import { type Caller, checkChannels, checkGroups, checkImages } from '../ops/conv-geometry.js';
import { type Conv2dGeometry, type Pair, both, conv2dRules, pairOf } from '../ops/conv-options.js';
import { check, checkOptions, count } from '../options.js';
import { convParameterRules, convParameters } from './conv-parameters.js';
import { Layer } from './layer.js';
import { windowsLookAlong } from './looks-along.js';
import type { Scope } from './scope.js';

/** Options of {@link Conv2d}. */
export interface Conv2dOptions extends Conv2dGeometry {
  /** Add a bias. Default: true. */
  readonly bias?: boolean | undefined;
  /** First values of the weight. Default: U(−1/√F, 1/√F), F = KH · KW · C/G, which is Kaiming uniform with a = √5. */
  readonly weightInit?: Initializer | undefined;
}

const caller: Caller = { what: 'Conv2d', dimensions: 2 };

/**
 * Slides a kernel over images.
 *
 * y[n, i, j, o] = b[o] + Σ x[n, i·stride − padding + kh·dilation, j·stride − padding + kw·dilation, c] · W[kh, kw, c, o], 0 outside
 * the image. x [N, H, W, C] → y [N, OH, OW, O], OH = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1;
 * parameters: weight W [KH, KW, C/G, O], bias b [O], which starts as U(−1/√F, 1/√F). With G groups the g-th part of C makes the
 * g-th part of O.
 *
 * @throws OptionError for sizes that are no whole numbers ≥ 1 or wrong options; ShapeError if x is no [N, H, W, C] with C ≥ 1, groups do not
 * divide C and O, or the kernel is larger than the padded image
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html (there x is [N, C, H, W], W [O, C/G, KH, KW])
 */
export class Conv2d extends Layer {
  constructor(
    readonly outChannels: number,
    readonly kernelSize: Pair,
    readonly options: Conv2dOptions = {},
  ) {
    super();
    check('Conv2d', 'outChannels', outChannels, count);
    this.kernelSize = check('Conv2d', 'kernelSize', kernelSize, pairOf(count));
    this.options = checkOptions('Conv2d', options, { ...conv2dRules, ...convParameterRules });
  }

  override looksAlongTime(): boolean {
    return windowsLookAlong(this.kernelSize, this.options);
  }

  forward(x: Tensor, scope: Scope): Tensor {
    checkImages(caller, x.shape);
    checkChannels('Conv2d', x.shape);
    const { bias, weightInit, ...geometry } = this.options;
    const { groups = 1 } = geometry;
    const [kh, kw] = both(this.kernelSize);
    const channels = x.shape[3]!;
    checkGroups('Conv2d', 'the channels C of x', channels, groups);
    const depth = channels / groups;
    const made = convParameters([kh, kw, depth, this.outChannels], this.outChannels, { bias, weightInit }, scope);
    return convolve(caller, x, made.weight, { ...geometry, bias: made.bias });
  }
}
