import type { Tensor } from '../graph/tensor.js';
import { add, div, maximum, mul, sqrt, square, sub } from '../ops/index.js';
import { type Rules, boolean, checkOptions, fraction, nonNegative, positiveFloat, rate } from '../options.js';
import { withDecay } from './decay.js';
import { fixAllButRate } from './fixed.js';
import { Optimizer, type Schedule, type Update } from './optimizer.js';

/** Options of {@link RMSprop}. */
export interface RMSpropOptions {
  /** Learning rate. Default: 0.01. */
  readonly lr?: Schedule | undefined;
  /** What the running mean of g² keeps in a step, α. Default: 0.99. */
  readonly alpha?: number | undefined;
  /** Added to the root. Default: 1e-8. */
  readonly eps?: number | undefined;
  /** λ of the L2 penalty λ/2 · Σ w², added to the gradient. Default: 0. */
  readonly weightDecay?: number | undefined;
  /** Share of the last step that is kept, μ. Default: 0. */
  readonly momentum?: number | undefined;
  /** Divide by the deviation of g instead of its root mean square. Default: false. */
  readonly centered?: boolean | undefined;
}

const rules: Rules<RMSpropOptions> = {
  lr: rate,
  alpha: fraction,
  eps: positiveFloat,
  weightDecay: nonNegative,
  momentum: nonNegative,
  centered: boolean,
};

/**
 * Divides the gradient by its running root mean square.
 *
 * g ← g + λ·p;  v ← α·v + (1 − α)·g²;  d = g / (√v + eps);  p ← p − lr·d.
 * Centered: a ← α·a + (1 − α)·g and √max(v − a², 0) for the root.  With momentum: b ← μ·b + d;  p ← p − lr·b.
 * Slots: v, a if centered, b with momentum.
 *
 * @throws OptionError for wrong options
 * @see https://pytorch.org/docs/stable/generated/torch.optim.RMSprop.html
 */
export class RMSprop extends Optimizer {
  readonly slots: readonly string[];
  lr: Schedule;
  readonly alpha: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly momentum: number;
  readonly centered: boolean;

  constructor(options: RMSpropOptions = {}) {
    super();
    const {
      lr = 1e-2,
      alpha = 0.99,
      eps = 1e-8,
      weightDecay = 0,
      momentum = 0,
      centered = false,
    } = checkOptions('RMSprop', options, rules);
    this.lr = lr;
    this.alpha = alpha;
    this.eps = eps;
    this.weightDecay = weightDecay;
    this.momentum = momentum;
    this.centered = centered;
    this.slots = ['v', ...(centered ? ['a'] : []), ...(momentum === 0 ? [] : ['b'])];
    fixAllButRate(this);
  }

  update(parameter: Tensor, gradient: Tensor, slots: Readonly<Record<string, Tensor>>, scalars: Readonly<Record<string, Tensor>>): Update {
    const g = withDecay(gradient, parameter, this.weightDecay);
    const v = add(mul(slots['v']!, this.alpha), mul(square(g), 1 - this.alpha));
    const a = this.centered ? add(mul(slots['a']!, this.alpha), mul(g, 1 - this.alpha)) : undefined;
    // What rounding leaves of v − a² under a steady gradient may be below 0.
    const d = div(g, add(sqrt(a === undefined ? v : maximum(sub(v, square(a)), 0)), this.eps));
    const b = this.momentum === 0 ? undefined : add(mul(slots['b']!, this.momentum), d);
    return { parameter: sub(parameter, mul(b ?? d, scalars['lr']!)), slots: { v, ...(a && { a }), ...(b && { b }) } };
  }
}
