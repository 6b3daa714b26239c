import { OptionError } from '../errors.js';
import { checkOptions, fraction, nonNegative, nonNegativeInteger } from '../options.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { Callback, type FitContext } from './callback.js';
import type { EpochRecord } from './history.js';
import { Monitor, type MonitorOptions, monitorRules } from './monitor.js';

/** Options of {@link ReduceLROnPlateau}. */
export interface ReduceLROnPlateauOptions extends MonitorOptions {
  /** What the learning rate is multiplied with. Default: 0.1. */
  readonly factor?: number | undefined;
  /** Epochs without improvement that are borne; after one more the rate falls. Default: 10. */
  readonly patience?: number | undefined;
  /** Share of the best value by which a value must be better to count as improvement, as PyTorch has it: below 0 a share of −|best|. Default: 1e-4. */
  readonly threshold?: number | undefined;
  /** Epochs after a fall that do not count. Default: 0. */
  readonly cooldown?: number | undefined;
  /** The rate never falls below it. Default: 0. */
  readonly minLr?: number | undefined;
}

/**
 * Lowers the learning rate when a fit no longer gets better: lr ← min(lr, max(lr · factor, minLr)), in the `lr` of the optimizer and those of groups. It stays
 * there after the fit, for other trainers of the same optimizer object too: make a new one for each. A checkpoint does not hold it.
 *
 * @throws OptionError for wrong options, and from fit if it does not report what is watched or `lr` is a schedule
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html
 */
export class ReduceLROnPlateau extends Callback {
  readonly #monitor: Monitor;
  readonly #factor: number;
  readonly #patience: number;
  readonly #cooldown: number;
  readonly #minLr: number;
  /** Epochs without improvement. */
  #waited = 0;
  /** Epochs that do not count. */
  #resting = 0;

  constructor(options: ReduceLROnPlateauOptions = {}) {
    super();
    const own = checkOptions('ReduceLROnPlateau', options, {
      ...monitorRules,
      factor: fraction,
      patience: nonNegativeInteger,
      threshold: nonNegative,
      cooldown: nonNegativeInteger,
      minLr: nonNegative,
    });
    const { factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0, minLr = 0 } = own;
    this.#monitor = new Monitor('ReduceLROnPlateau', own, (best) => threshold * best);
    this.#factor = factor;
    this.#patience = patience;
    this.#cooldown = cooldown;
    this.#minLr = minLr;
  }

  override onStart(context: FitContext): void {
    context.optimizers.forEach(rateOf);
    this.#monitor.start(context);
    this.#waited = 0;
    this.#resting = 0;
  }

  override onEpoch(record: EpochRecord, { optimizers }: FitContext): void {
    this.#waited = this.#monitor.improves(record) ? 0 : this.#waited + 1;
    if (this.#resting > 0) {
      this.#resting--;
      this.#waited = 0;
    }
    if (this.#waited <= this.#patience) return;
    for (const optimizer of optimizers) {
      const rate = rateOf(optimizer);
      optimizer.lr = Math.min(rate, Math.max(rate * this.#factor, this.#minLr));
    }
    this.#resting = this.#cooldown;
    this.#waited = 0;
  }
}

/** @throws OptionError if the rate is a schedule */
function rateOf({ lr }: Optimizer): number {
  if (typeof lr === 'number') return lr;
  throw new OptionError(
    'ReduceLROnPlateau: expected a number for lr of the optimizer, got a function. Use either a schedule or this callback.',
  );
}
