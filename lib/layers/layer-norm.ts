import { ShapeError, formatShape } from '../errors.js';
import { type Shape, sameShape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { layerNorm } from '../ops/index.js';
import { checkOptions, type Rule } from '../options.js';
import { affineParameters, normRules } from './affine.js';
import { Layer } from './layer.js';
import { checkRows } from './rows.js';
import type { Scope } from './scope.js';

/** Options of {@link LayerNorm}. */
export interface LayerNormOptions {
  /** Sizes of the trailing dimensions that are normalised together. Default: the last one, whatever its size. */
  readonly normalizedShape?: Shape | undefined;
  /** Added to the variance. Default: 1e-5. */
  readonly eps?: number | undefined;
  /** Learn a factor and an offset for each element. Default: true. */
  readonly affine?: boolean | undefined;
}

const sizes: Rule = {
  expected: 'a list of whole numbers ≥ 1',
  accepts: (value) => Array.isArray(value) && value.length > 0 && value.every((n) => Number.isSafeInteger(n) && n >= 1),
};

/**
 * Normalises each row to mean 0 and variance 1, then scales and shifts it.
 *
 * y = (x − E[x]) / √(Var[x] + eps) · weight + bias, with the biased variance.   x [N, ..., D] → y [N, ..., D];
 * parameters: weight [D], ones at first; bias [D], zeros at first. D may be several dimensions.
 *
 * @throws OptionError if an option is wrong; ShapeError if x is not rows that end in normalizedShape
 * @see Ba et al. 2016, https://arxiv.org/abs/1607.06450
 */
export class LayerNorm extends Layer {
  readonly normalizedShape: Shape | undefined;
  readonly eps: number;
  readonly affine: boolean;

  constructor(options: LayerNormOptions = {}) {
    super();
    const { normalizedShape, eps = 1e-5, affine = true } = checkOptions('LayerNorm', options, { normalizedShape: sizes, ...normRules });
    this.normalizedShape = normalizedShape;
    this.eps = eps;
    this.affine = affine;
  }

  forward(x: Tensor, scope: Scope): Tensor {
    checkRows('LayerNorm', x, 'D');
    const shape = this.normalizedShape ?? x.shape.slice(-1);
    if (x.rank === shape.length || !sameShape(x.shape.slice(-shape.length), shape)) {
      throw new ShapeError(
        `LayerNorm: expected x of shape [N, ..., ${shape.join(', ')}], got ${formatShape(x.shape)}. Change normalizedShape or the layer before it.`,
      );
    }
    const { weight, bias } = affineParameters(scope, shape, this.affine);
    return layerNorm(x, shape, weight, bias, this.eps);
  }
}
