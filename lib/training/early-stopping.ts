import { boolean, checkOptions, count, nonNegative } from '../options.js';
import { Callback, type FitContext, type Snapshot } from './callback.js';
import type { EpochRecord } from './history.js';
import { Monitor, type MonitorOptions, monitorRules } from './monitor.js';

/** Options of {@link EarlyStopping}. */
export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs without improvement before the fit ends. Default: 5. */
  readonly patience?: number | undefined;
  /** Smallest change that counts as improvement. Default: 0. */
  readonly minDelta?: number | undefined;
  /** Leave the model with the weights of the best epoch of this fit, or those that a built model began with if none is better than a `best` that is given. Default: true. */
  readonly restoreBest?: boolean | undefined;
}

/**
 * Ends a fit that no longer gets better, and puts the best weights back: the simplest remedy for over-fitting.
 * @throws OptionError for wrong options, and from fit if it does not report what is watched; DataError from fit if a loss is never
 *   finite for `patience` epochs
 * @see Prechelt, "Early Stopping — But When?", 1998
 */
export class EarlyStopping extends Callback {
  readonly #monitor: Monitor;
  readonly #patience: number;
  readonly #restoreBest: boolean;
  #snapshot: Snapshot | undefined;

  constructor(options: EarlyStoppingOptions = {}) {
    super();
    const own = checkOptions('EarlyStopping', options, { ...monitorRules, patience: count, minDelta: nonNegative, restoreBest: boolean });
    const { patience = 5, minDelta = 0, restoreBest = true } = own;
    this.#monitor = new Monitor('EarlyStopping', own, () => minDelta);
    this.#patience = patience;
    this.#restoreBest = restoreBest;
  }

  /** Best value seen, or the best given; undefined before the first epoch if none was. */
  get best(): number | undefined {
    return this.#monitor.best;
  }

  /** Its epoch, from 1; 0 if none of this fit was better than the best given, or none had a finite value. */
  get bestEpoch(): number {
    return this.#monitor.bestEpoch;
  }

  override onStart(context: FitContext): void {
    this.#monitor.start(context);
    // The weights of now reached the best that is given; a model that its first batch will build has none yet.
    const hasBest = this.best !== undefined && context.model.model.isBuilt;
    this.#snapshot = this.#restoreBest && hasBest ? context.snapshot() : undefined;
  }

  override onEpoch(record: EpochRecord, context: FitContext): void {
    if (this.#monitor.improves(record)) {
      if (this.#restoreBest) this.#snapshot = context.snapshot();
    } else if (record.epoch - this.bestEpoch >= this.#patience) {
      this.#monitor.checkBest(record);
      context.stop();
    }
  }

  override onEnd(context: FitContext): void {
    if (this.#snapshot !== undefined) context.restore(this.#snapshot);
    this.#snapshot = undefined;
  }
}
