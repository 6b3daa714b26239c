import { ShapeError, formatShape } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { ones, zeros } from '../init.js';
import { add, cast, mul, sub } from '../ops/index.js';
import { batchNorm, inverseDeviation } from '../ops/norm.js';
import { checkOptions, unit } from '../options.js';
import { affineParameters, normRules } from './affine.js';
import { Layer } from './layer.js';
import type { Scope } from './scope.js';

/** Options of {@link BatchNorm}. */
export interface BatchNormOptions {
  /** Share of a batch's statistics in the running ones. Default: 0.1. */
  readonly momentum?: number | undefined;
  /** Added to the variance. Default: 1e-5. */
  readonly eps?: number | undefined;
  /** Learn a factor and an offset for each channel. Default: true. */
  readonly affine?: boolean | undefined;
}

/**
 * Normalises each channel over the batch (and the pixels) to mean 0 and variance 1, then scales and shifts it.
 *
 * y = (x − E[x]) / √(Var[x] + eps) · weight + bias.   x [..., C] → y [..., C]; parameters: weight [C], ones at first; bias [C], zeros
 * at first. While training, E and Var are those of the batch (Var divided by the number M of rows), and
 * running = (1 − momentum) · running + momentum · batch, with the variance divided by M − 1. Evaluation, prediction and a frozen layer use the
 * running ones: runningMean [C], zeros at first, runningVar [C], ones at first. There the layer disappears into a convolution before it.
 *
 * @throws OptionError if an option is wrong; ShapeError if x has no channels, or one row while training
 * @see Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167; https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
 */
export class BatchNorm extends Layer {
  readonly momentum: number;
  readonly eps: number;
  readonly affine: boolean;

  constructor(options: BatchNormOptions = {}) {
    super();
    const { momentum = 0.1, eps = 1e-5, affine = true } = checkOptions('BatchNorm', options, { momentum: unit, ...normRules });
    this.momentum = momentum;
    this.eps = eps;
    this.affine = affine;
  }

  forward(x: Tensor, scope: Scope): Tensor {
    const channels = x.shape.at(-1) ?? 0;
    if (x.rank < 2 || channels === 0) {
      throw new ShapeError(`BatchNorm: expected x [..., C] of rank ≥ 2 with C ≥ 1, got ${formatShape(x.shape)}. Reshape it.`);
    }
    const { weight, bias } = affineParameters(scope, [channels], this.affine);
    const runningMean = scope.buffer('runningMean', [channels], zeros());
    const runningVar = scope.buffer('runningVar', [channels], ones());
    if (!scope.training) {
      const inverse = inverseDeviation(runningVar, this.eps);
      const scale = weight === undefined ? inverse : mul(weight, inverse);
      const shift = bias === undefined ? mul(runningMean, mul(scale, -1)) : sub(bias, mul(runningMean, scale));
      return add(mul(cast(x, 'float32'), scale), shift);
    }
    const rows = x.size / channels;
    if (rows < 2) {
      throw new ShapeError(
        `BatchNorm: expected more than one row a channel while training, got x ${formatShape(x.shape)}. Use a larger batch, leave a last one of one row out (dropLast), or use GroupNorm.`,
      );
    }
    const { y, mean, variance } = batchNorm(x, weight, bias, this.eps);
    const moved = (running: Tensor, batch: Tensor): Tensor => add(mul(running, 1 - this.momentum), mul(batch, this.momentum));
    scope.assign(runningMean, moved(runningMean, mean));
    scope.assign(runningVar, moved(runningVar, mul(variance, rows / (rows - 1))));
    return y;
  }
}
