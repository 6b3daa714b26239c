import type { Tensor } from '../graph/tensor.js';
import { add, mul, sub } from '../ops/index.js';
import { type Rules, boolean, checkOptions, nonNegative, rate } from '../options.js';
import { OptionError } from '../errors.js';
import { withDecay } from './decay.js';
import { fixAllButRate } from './fixed.js';
import { Optimizer, type Schedule, type Update } from './optimizer.js';

/** Options of {@link SGD}. */
export interface SGDOptions {
  /** Learning rate. Default: 0.001. */
  readonly lr?: Schedule | undefined;
  /** Share of the last step's direction that is kept, μ. Default: 0. */
  readonly momentum?: number | undefined;
  /** Share of the gradient that does not enter the momentum. Default: 0. */
  readonly dampening?: number | undefined;
  /** Look ahead along the momentum. Needs momentum > 0 and no dampening. Default: false. */
  readonly nesterov?: boolean | undefined;
  /** λ of the L2 penalty λ/2 · Σ w², added to the gradient. Default: 0. */
  readonly weightDecay?: number | undefined;
}

const rules: Rules<SGDOptions> = { lr: rate, momentum: nonNegative, dampening: nonNegative, nesterov: boolean, weightDecay: nonNegative };

/**
 * Descends along the gradient, with momentum if asked.
 *
 * g ← g + λ·p;  m ← μ·m + (1 − dampening)·g, without dampening in the first step;  g ← nesterov ? g + μ·m : m;  p ← p − lr·g.
 * Slot: `momentum`, which is m, with momentum > 0; none without.
 *
 * @throws OptionError for wrong options
 * @see https://pytorch.org/docs/stable/generated/torch.optim.SGD.html
 */
export class SGD extends Optimizer {
  readonly slots: readonly string[];
  override readonly scalars: readonly string[] = ['lr', 'intake'];
  override readonly restsAtZero: boolean;
  lr: Schedule;
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;

  constructor(options: SGDOptions = {}) {
    super();
    const { lr = 1e-3, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = checkOptions('SGD', options, rules);
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new OptionError(`SGD: expected momentum > 0 and dampening 0 for nesterov, got ${momentum} and ${dampening}.`);
    }
    this.lr = lr;
    this.momentum = momentum;
    this.dampening = dampening;
    this.nesterov = nesterov;
    this.weightDecay = weightDecay;
    this.restsAtZero = momentum === 0 && weightDecay === 0;
    this.slots = momentum === 0 ? [] : ['momentum'];
    fixAllButRate(this);
  }

  override writeScalars(out: Float32Array, at: number, step: number, lr: number): void {
    out[at] = lr;
    out[at + 1] = step === 0 ? 1 : 1 - this.dampening;
  }

  update(parameter: Tensor, gradient: Tensor, slots: Readonly<Record<string, Tensor>>, scalars: Readonly<Record<string, Tensor>>): Update {
    const g = withDecay(gradient, parameter, this.weightDecay);
    const lr = scalars['lr']!;
    if (this.momentum === 0) return { parameter: sub(parameter, mul(g, lr)), slots: {} };
    const taken = this.dampening === 0 ? g : mul(g, scalars['intake']!);
    const momentum = add(mul(slots['momentum']!, this.momentum), taken);
    const direction = this.nesterov ? add(g, mul(momentum, this.momentum)) : momentum;
    return { parameter: sub(parameter, mul(direction, lr)), slots: { momentum } };
  }
}
