import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { groupNorm } from '../ops/index.js';
import { groupedChannels } from '../ops/norm.js';
import { check, checkOptions, count } from '../options.js';
import { affineParameters, normRules } from './affine.js';
import { Layer } from './layer.js';
import type { Scope } from './scope.js';

/** Options of {@link GroupNorm}. */
export interface GroupNormOptions {
  /** Added to the variance. Default: 1e-5. */
  readonly eps?: number | undefined;
  /** Learn a factor and an offset for each channel. Default: true. */
  readonly affine?: boolean | undefined;
}

/**
 * Normalises groups of channels of each example to mean 0 and variance 1, then scales and shifts each channel.
 *
 * y = (x − E[x]) / √(Var[x] + eps) · weight + bias, E and Var over the pixels and the C/G channels of a group of one example.
 * x [N, ..., C] → y [N, ..., C]; parameters: weight [C], ones at first; bias [C], zeros at first.
 *
 * @throws OptionError if an option is wrong; ShapeError if x is no [N, ..., C] or the groups do not divide C
 * @see Wu and He 2018, https://arxiv.org/abs/1803.08494
 */
export class GroupNorm extends Layer {
  readonly eps: number;
  readonly affine: boolean;

  constructor(
    readonly groups: number,
    options: GroupNormOptions = {},
  ) {
    super();
    check('GroupNorm', 'groups', groups, count);
    const { eps = 1e-5, affine = true } = checkOptions('GroupNorm', options, normRules);
    this.eps = eps;
    this.affine = affine;
  }

  override looksAlongTime({ length: rank }: Shape): boolean {
    return rank > 2;
  }

  forward(x: Tensor, scope: Scope): Tensor {
    const channels = groupedChannels('GroupNorm', x, this.groups);
    const { weight, bias } = affineParameters(scope, [channels], this.affine);
    return groupNorm(x, this.groups, weight, bias, this.eps);
  }
}
