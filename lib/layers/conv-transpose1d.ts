import type { Tensor } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import { convolveSequenceTransposed } from '../ops/conv.js';
import { type Caller, checkChannels, checkGroups, checkImages } from '../ops/conv-geometry.js';
import { type ConvTranspose1dGeometry, convTranspose1dRules } from '../ops/conv-options.js';
import { check, checkOptions, count } from '../options.js';
import { convParameterRules, convParameters } from './conv-parameters.js';
import { Layer } from './layer.js';
import { windowsLookAlong } from './looks-along.js';
import type { Scope } from './scope.js';

/** Options of {@link ConvTranspose1d}. */
export interface ConvTranspose1dOptions extends ConvTranspose1dGeometry {
  /** Add a bias. Default: true. */
  readonly bias?: boolean | undefined;
  /** First values of the weight. Default: U(−1/√F, 1/√F), F = K · O/G, which is Kaiming uniform with a = √5. */
  readonly weightInit?: Initializer | undefined;
}

const caller: Caller = { what: 'ConvTranspose1d', dimensions: 1 };

/**
 * Makes longer sequences: every input step adds its channels times a kernel to the window it stands for.
 *
 * y = b + the gradient of Conv1d with respect to its input, where x is the gradient of its output.
 * x [N, T, C] → y [N, OT, O], OT = (T − 1)·stride − 2·padding + dilation·(K − 1) + outputPadding + 1;
 * parameters: weight W [K, O/G, C], bias b [O], which starts as U(−1/√F, 1/√F). With G groups the g-th part of C makes the g-th part of O.
 *
 * @throws OptionError for sizes that are no whole numbers ≥ 1 or wrong options; ShapeError if x is no [N, T, C] with C ≥ 1, groups do not
 * divide C and O, or the output would have no steps
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose1d.html (there x is [N, C, T], W [C, O/G, K])
 */
export class ConvTranspose1d extends Layer {
  constructor(
    readonly outChannels: number,
    readonly kernelSize: number,
    readonly options: ConvTranspose1dOptions = {},
  ) {
    super();
    check('ConvTranspose1d', 'outChannels', outChannels, count);
    check('ConvTranspose1d', 'kernelSize', kernelSize, count);
    this.options = checkOptions('ConvTranspose1d', options, { ...convTranspose1dRules, ...convParameterRules });
  }

  override looksAlongTime(): boolean {
    return windowsLookAlong(this.kernelSize, this.options);
  }

  forward(x: Tensor, scope: Scope): Tensor {
    checkImages(caller, x.shape);
    checkChannels('ConvTranspose1d', x.shape);
    const { bias, weightInit, ...geometry } = this.options;
    const { groups = 1 } = geometry;
    checkGroups('ConvTranspose1d', 'outChannels', this.outChannels, groups);
    const shape = [this.kernelSize, this.outChannels / groups, x.shape[2]!];
    const made = convParameters(shape, this.outChannels, { bias, weightInit }, scope);
    return convolveSequenceTransposed(caller, x, made.weight, { ...geometry, bias: made.bias });
  }
}
