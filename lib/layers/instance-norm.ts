import { ShapeError, formatShape } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { groupNorm } from '../ops/index.js';
import { checkOptions } from '../options.js';
import { affineParameters, normRules } from './affine.js';
import { Layer } from './layer.js';
import type { Scope } from './scope.js';

/** Options of {@link InstanceNorm}. */
export interface InstanceNormOptions {
  /** Added to the variance. Default: 1e-5. */
  readonly eps?: number | undefined;
  /** Learn a factor and an offset for each channel. Default: false. */
  readonly affine?: boolean | undefined;
}

/**
 * Normalises each channel of each example over its pixels or steps: group normalisation with a group for each channel.
 *
 * y = (x − E[x]) / √(Var[x] + eps) · weight + bias.   x [N, ..., C] → y [N, ..., C]; parameters, with `affine`: weight [C], ones at
 * first; bias [C], zeros at first. No running statistics: evaluation does what training does.
 *
 * @throws OptionError if an option is wrong; ShapeError if x is no [N, ..., C] of rank ≥ 3 with C ≥ 1, or has one pixel while training
 * @see Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022; https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm2d.html
 */
export class InstanceNorm extends Layer {
  readonly eps: number;
  readonly affine: boolean;

  constructor(options: InstanceNormOptions = {}) {
    super();
    const { eps = 1e-5, affine = false } = checkOptions('InstanceNorm', options, normRules);
    this.eps = eps;
    this.affine = affine;
  }

  override looksAlongTime(): boolean {
    return true;
  }

  forward(x: Tensor, scope: Scope): Tensor {
    const channels = x.shape.at(-1) ?? 0;
    if (x.rank < 3 || channels === 0)
      throw new ShapeError(
        `InstanceNorm: expected x [N, ..., C] of rank ≥ 3 with C ≥ 1, got ${formatShape(x.shape)}. Use LayerNorm for rows.`,
      );
    if (scope.training && x.shape.slice(1, -1).every((n) => n === 1)) {
      throw new ShapeError(
        `InstanceNorm: expected more than one pixel a channel while training, got x ${formatShape(x.shape)}. Use LayerNorm, or leave it out.`,
      );
    }
    const { weight, bias } = affineParameters(scope, [channels], this.affine);
    return groupNorm(x, channels, weight, bias, this.eps);
  }
}
