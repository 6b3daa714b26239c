import type { Tensor } from '../graph/tensor.js';
import { add, div, mul, sqrt, square, sub } from '../ops/index.js';
import { type Rules, checkOptions, nonNegative, positiveFloat, rate } from '../options.js';
import { withDecay } from './decay.js';
import { fixAllButRate } from './fixed.js';
import { Optimizer, type Schedule, type Update } from './optimizer.js';

/** Options of {@link Adagrad}. */
export interface AdagradOptions {
  /** Learning rate. Default: 0.01. */
  readonly lr?: Schedule | undefined;
  /** The rate falls as 1 / (1 + lrDecay · step). Default: 0. */
  readonly lrDecay?: number | undefined;
  /** λ of the L2 penalty λ/2 · Σ w², added to the gradient. Default: 0. */
  readonly weightDecay?: number | undefined;
  /** First value of the sum of squares. Default: 0. */
  readonly initialAccumulatorValue?: number | undefined;
  /** Added to the root. Default: 1e-10. */
  readonly eps?: number | undefined;
}

const rules: Rules<AdagradOptions> = {
  lr: rate,
  lrDecay: nonNegative,
  weightDecay: nonNegative,
  initialAccumulatorValue: nonNegative,
  eps: positiveFloat,
};

/**
 * Divides the gradient by the root of the sum of all squares so far.
 *
 * g ← g + λ·p;  s ← s + g²;  p ← p − lr / (1 + lrDecay·step) · g / (√s + eps), step = 0, 1, ….   Slot: s.
 *
 * @throws OptionError for wrong options
 * @see Duchi et al. 2011; https://pytorch.org/docs/stable/generated/torch.optim.Adagrad.html
 */
export class Adagrad extends Optimizer {
  readonly slots: readonly string[] = ['s'];
  override readonly slotInit: Readonly<Record<string, number>>;
  override readonly restsAtZero: boolean;
  lr: Schedule;
  readonly lrDecay: number;
  readonly weightDecay: number;
  readonly eps: number;

  constructor(options: AdagradOptions = {}) {
    super();
    const { lr = 1e-2, lrDecay = 0, weightDecay = 0, initialAccumulatorValue = 0, eps = 1e-10 } = checkOptions('Adagrad', options, rules);
    this.lr = lr;
    this.lrDecay = lrDecay;
    this.weightDecay = weightDecay;
    this.eps = eps;
    this.restsAtZero = weightDecay === 0;
    this.slotInit = { s: initialAccumulatorValue };
    fixAllButRate(this);
  }

  override writeScalars(out: Float32Array, at: number, step: number, lr: number): void {
    out[at] = lr / (1 + step * this.lrDecay);
  }

  update(parameter: Tensor, gradient: Tensor, slots: Readonly<Record<string, Tensor>>, scalars: Readonly<Record<string, Tensor>>): Update {
    const g = withDecay(gradient, parameter, this.weightDecay);
    const s = add(slots['s']!, square(g));
    return { parameter: sub(parameter, mul(div(g, add(sqrt(s), this.eps)), scalars['lr']!)), slots: { s } };
  }
}
