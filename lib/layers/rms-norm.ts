import type { Tensor } from '../graph/tensor.js';
import { ones } from '../init.js';
import { mean, mul, square } from '../ops/index.js';
import { inverseDeviation } from '../ops/norm.js';
import { checkOptions } from '../options.js';
import { normRules } from './affine.js';
import { Layer } from './layer.js';
import { checkRows } from './rows.js';
import type { Scope } from './scope.js';

/** Options of {@link RMSNorm}. */
export interface RMSNormOptions {
  /** Added to the mean square. Default: 2⁻²³, as in PyTorch. */
  readonly eps?: number | undefined;
  /** Learn a factor for each element. Default: true. */
  readonly affine?: boolean | undefined;
}

/**
 * Divides each row by its root mean square, then scales it: layer normalisation that leaves the mean alone.
 *
 * y = x / √(E[x²] + eps) · weight.   x [N, ..., D] → y [N, ..., D]; parameter: weight [D], ones at first.
 *
 * @throws OptionError if an option is wrong; ShapeError if x has rank < 2
 * @see Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467; https://pytorch.org/docs/stable/generated/torch.nn.RMSNorm.html
 */
export class RMSNorm extends Layer {
  readonly eps: number;
  readonly affine: boolean;

  constructor(options: RMSNormOptions = {}) {
    super();
    const { eps = 2 ** -23, affine = true } = checkOptions('RMSNorm', options, normRules);
    this.eps = eps;
    this.affine = affine;
  }

  forward(x: Tensor, scope: Scope): Tensor {
    checkRows('RMSNorm', x, 'D');
    const y = mul(x, inverseDeviation(mean(square(x), { axes: -1, keepDims: true }), this.eps));
    return this.affine ? mul(y, scope.parameter('weight', [x.shape.at(-1)!], ones())) : y;
  }
}
