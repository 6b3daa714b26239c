import { OptionError } from '../errors.js';
import { Callback, type FitContext, type Snapshot } from './callback.js';
import { type Rule, boolean, checkOptions, count, nonNegative, oneOf } from '../options.js';
import { type EpochRecord, valueOf } from './history.js';

const text: Rule = { expected: 'a name', accepts: (value) => typeof value === 'string' };

/** Options of {@link EarlyStopping}. */
export interface EarlyStoppingOptions {
  /** What to watch: 'loss', 'valLoss' or a metric. Default: 'valLoss'. */
  readonly monitor?: string;
  /** Epochs without improvement before the fit ends. Default: 5. */
  readonly patience?: number;
  /** Smallest change that counts as improvement. Default: 0. */
  readonly minDelta?: number;
  /** Whether larger is better. Default: 'max' for names that contain "accuracy", "precision", "recall" or "f1" or begin with "top", else 'min'. */
  readonly mode?: 'min' | 'max';
  /** Leave the model with the weights of its best epoch. Default: true. */
  readonly restoreBest?: boolean;
}

/**
 * Ends a fit that no longer gets better, and puts the best weights back: the simplest remedy for over-fitting.
 * @see Prechelt, "Early Stopping — But When?", 1998
 */
export class EarlyStopping extends Callback {
  readonly #monitor: string;
  readonly #patience: number;
  readonly #minDelta: number;
  readonly #sign: 1 | -1;
  readonly #restoreBest: boolean;
  /** Best value seen, or undefined before the first epoch. */
  best: number | undefined;
  /** Its epoch, from 1. */
  bestEpoch = 0;
  #snapshot: Snapshot | undefined;

  constructor(options: EarlyStoppingOptions = {}) {
    super();
    checkOptions('EarlyStopping', options, {
      monitor: text,
      patience: count,
      minDelta: nonNegative,
      mode: oneOf('min', 'max'),
      restoreBest: boolean,
    });
    const { monitor = 'valLoss', patience = 5, minDelta = 0, mode, restoreBest = true } = options;
    this.#monitor = monitor;
    this.#patience = patience;
    this.#minDelta = minDelta;
    this.#sign = (mode ?? (/accuracy|precision|recall|f1|^(val)?top/i.test(monitor) ? 'max' : 'min')) === 'max' ? -1 : 1;
    this.#restoreBest = restoreBest;
  }

  override onStart({ figures }: FitContext): void {
    if (!figures.includes(this.#monitor)) {
      throw new OptionError(
        `EarlyStopping: expected monitor to be one of ${figures.join(', ')}, got "${this.#monitor}". Pass validation data, or watch another value.`,
      );
    }
    this.best = undefined;
    this.bestEpoch = 0;
    this.#snapshot = undefined;
  }

  override onEpoch(record: EpochRecord, context: FitContext): void {
    const value = valueOf(record, this.#monitor) ?? NaN; // NaN is never the best
    if (this.#sign * value < (this.best === undefined ? Infinity : this.#sign * this.best - this.#minDelta)) {
      this.best = value;
      this.bestEpoch = record.epoch;
      if (this.#restoreBest) this.#snapshot = context.snapshot();
    } else if (record.epoch - this.bestEpoch >= this.#patience) {
      context.stop();
    }
  }

  override onEnd(context: FitContext): void {
    if (this.#snapshot !== undefined) context.restore(this.#snapshot);
    this.#snapshot = undefined;
  }
}
