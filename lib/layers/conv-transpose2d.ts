import type { Tensor } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import { convolveTransposed } from '../ops/conv.js';
import { type Caller, checkChannels, checkGroups, checkImages } from '../ops/conv-geometry.js';
import { type ConvTranspose2dGeometry, type Pair, both, convTranspose2dRules, pairOf } from '../ops/conv-options.js';
import { check, checkOptions, count } from '../options.js';
import { convParameterRules, convParameters } from './conv-parameters.js';
import { Layer } from './layer.js';
import { windowsLookAlong } from './looks-along.js';
import type { Scope } from './scope.js';

/** Options of {@link ConvTranspose2d}. */
export interface ConvTranspose2dOptions extends ConvTranspose2dGeometry {
  /** Add a bias. Default: true. */
  readonly bias?: boolean | undefined;
  /** First values of the weight. Default: U(−1/√F, 1/√F), F = KH · KW · O/G, which is Kaiming uniform with a = √5. */
  readonly weightInit?: Initializer | undefined;
}

const caller: Caller = { what: 'ConvTranspose2d', dimensions: 2 };

/**
 * Makes larger images: every input pixel adds its channels times a kernel to the window it stands for.
 *
 * y = b + the gradient of Conv2d with respect to its input, where x is the gradient of its output.
 * x [N, H, W, C] → y [N, OH, OW, O], OH = (H − 1)·stride − 2·padding + dilation·(KH − 1) + outputPadding + 1;
 * parameters: weight W [KH, KW, O/G, C], bias b [O], which starts as U(−1/√F, 1/√F). With G groups the g-th part of C makes the
 * g-th part of O.
 *
 * @throws OptionError for sizes that are no whole numbers ≥ 1 or wrong options; ShapeError if x is no [N, H, W, C] with C ≥ 1, groups do not
 * divide C and O, or the output would have no pixels
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html (there x is [N, C, H, W], W [C, O/G, KH, KW])
 */
export class ConvTranspose2d extends Layer {
  constructor(
    readonly outChannels: number,
    readonly kernelSize: Pair,
    readonly options: ConvTranspose2dOptions = {},
  ) {
    super();
    check('ConvTranspose2d', 'outChannels', outChannels, count);
    this.kernelSize = check('ConvTranspose2d', 'kernelSize', kernelSize, pairOf(count));
    this.options = checkOptions('ConvTranspose2d', options, { ...convTranspose2dRules, ...convParameterRules });
  }

  override looksAlongTime(): boolean {
    return windowsLookAlong(this.kernelSize, this.options);
  }

  forward(x: Tensor, scope: Scope): Tensor {
    checkImages(caller, x.shape);
    checkChannels('ConvTranspose2d', x.shape);
    const { bias, weightInit, ...geometry } = this.options;
    const { groups = 1 } = geometry;
    const [kh, kw] = both(this.kernelSize);
    checkGroups('ConvTranspose2d', 'outChannels', this.outChannels, groups);
    const width = this.outChannels / groups;
    const made = convParameters([kh, kw, width, x.shape[3]!], this.outChannels, { bias, weightInit }, scope);
    return convolveTransposed(caller, x, made.weight, { ...geometry, bias: made.bias });
  }
}
