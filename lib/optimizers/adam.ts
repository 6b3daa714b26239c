import type { Tensor } from '../graph/tensor.js';
import { checkOptions } from '../options.js';
import { withDecay } from './decay.js';
import { fixAllButRate } from './fixed.js';
import {
  type AdamOptions,
  type Moments,
  adamRules,
  defaultBetas,
  momentScalars,
  momentSlots,
  momentUpdate,
  writeMomentScalars,
} from './moments.js';
import { Optimizer, type Schedule, type Update } from './optimizer.js';

/**
 * Adapts the step of each weight to the running means of its gradient and squared gradient.
 *
 * g ← g + λ·p;  m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²;
 * p ← p − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + eps), t = 1, 2, ….
 * Slots: m, v, and vMax with amsgrad. The weight decay is an L2 penalty; AdamW has a decoupled one.
 *
 * @throws OptionError for wrong options
 * @see Kingma and Ba 2014, https://arxiv.org/abs/1412.6980; https://pytorch.org/docs/stable/generated/torch.optim.Adam.html
 */
export class Adam extends Optimizer {
  readonly slots: readonly string[];
  lr: Schedule;
  override readonly scalars: readonly string[] = momentScalars;
  /** The options that both kinds of Adam share. */
  readonly moments: Moments;
  readonly weightDecay: number;

  constructor(options: AdamOptions = {}) {
    super();
    const { lr = 1e-3, betas = defaultBetas, eps = 1e-8, weightDecay = 0, amsgrad = false } = checkOptions('Adam', options, adamRules);
    this.lr = lr;
    this.moments = Object.freeze({ betas, eps, amsgrad });
    this.weightDecay = weightDecay;
    this.slots = momentSlots(amsgrad);
    fixAllButRate(this);
  }

  override writeScalars(out: Float32Array, at: number, step: number, lr: number): void {
    writeMomentScalars(this.moments.betas, out, at, step, lr);
  }

  update(parameter: Tensor, gradient: Tensor, slots: Readonly<Record<string, Tensor>>, scalars: Readonly<Record<string, Tensor>>): Update {
    const g = withDecay(gradient, parameter, this.weightDecay);
    return momentUpdate(this.moments, parameter, g, slots, scalars);
  }
}
