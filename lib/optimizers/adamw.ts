import type { Tensor } from '../graph/tensor.js';
import { mul } from '../ops/index.js';
import { checkOptions } from '../options.js';
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
 * Adam with a weight decay that does not pass through its adaptive step.
 *
 * p ← (1 − lr·λ)·p, then as Adam.   Slots: m, v, and vMax with amsgrad. Default λ: 0.01.
 *
 * @throws OptionError for wrong options
 * @see Loshchilov and Hutter 2017, https://arxiv.org/abs/1711.05101; https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html
 */
export class AdamW extends Optimizer {
  readonly slots: readonly string[];
  lr: Schedule;
  override readonly scalars: readonly string[] = [...momentScalars, 'keep'];
  /** The options that both kinds of Adam share. */
  readonly moments: Moments;
  readonly weightDecay: number;

  constructor(options: AdamOptions = {}) {
    super();
    const { lr = 1e-3, betas = defaultBetas, eps = 1e-8, weightDecay = 1e-2, amsgrad = false } = checkOptions('AdamW', options, adamRules);
    this.lr = lr;
    this.moments = Object.freeze({ betas, eps, amsgrad });
    this.weightDecay = weightDecay;
    this.slots = momentSlots(amsgrad);
    fixAllButRate(this);
  }

  override writeScalars(out: Float32Array, at: number, step: number, lr: number): void {
    writeMomentScalars(this.moments.betas, out, at, step, lr);
    out[at + momentScalars.length] = 1 - lr * this.weightDecay;
  }

  update(parameter: Tensor, gradient: Tensor, slots: Readonly<Record<string, Tensor>>, scalars: Readonly<Record<string, Tensor>>): Update {
    const decayed = this.weightDecay === 0 ? parameter : mul(parameter, scalars['keep']!);
    return momentUpdate(this.moments, decayed, gradient, slots, scalars);
  }
}
