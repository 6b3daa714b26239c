/** What callbacks watch: one figure of the epochs, and the best of it so far. */
import { DataError, OptionError } from '../errors.js';
import { type Rules, finite, oneOf, text } from '../options.js';
import type { FitContext } from './callback.js';
import { type EpochRecord, valueOf } from './history.js';

/** Options of callbacks that watch whether a fit gets better. */
export interface MonitorOptions {
  /** What to watch: 'loss', 'valLoss' or a metric. Default: 'valLoss'. */
  readonly monitor?: string | undefined;
  /** Whether larger is better. Default: what the metric says by `better`, 'min' for a loss and gradientNorm; to be given where a metric says nothing. */
  readonly mode?: 'min' | 'max' | undefined;
  /** Best value of an earlier fit, which this one goes on from. Default: none. */
  readonly best?: number | undefined;
}

export const monitorRules: Rules<MonitorOptions> = { monitor: text, mode: oneOf('min', 'max'), best: finite };

export class Monitor {
  readonly #what: string;
  readonly #figure: string;
  readonly #mode: MonitorOptions['mode'];
  /** −1 where larger is better. */
  #sign: 1 | -1 = 1;
  readonly #first: number | undefined;
  readonly #margin: (best: number) => number;
  /** Best value seen. */
  best: number | undefined;
  /** Its epoch, from 1; 0 before the first that counts. */
  bestEpoch = 0;

  /**
   * @param what the callback, as messages call it
   * @param margin by how much a value must be better than the best to count
   */
  constructor(what: string, { monitor = 'valLoss', mode, best }: MonitorOptions, margin: (best: number) => number = () => 0) {
    this.#what = what;
    this.#figure = monitor;
    this.#mode = mode;
    this.#first = best;
    this.#margin = margin;
  }

  /** Begins anew. @throws OptionError if the fit does not report the figure, or if nobody says which values of it are better */
  start({ figures, better }: Pick<FitContext, 'figures' | 'better'>): void {
    if (!figures.includes(this.#figure)) {
      throw new OptionError(
        `${this.#what}: expected monitor to be one of ${figures.join(', ')}, got "${this.#figure}". Pass validation data, or watch another value.`,
      );
    }
    const mode = this.#mode ?? better[this.#figure];
    if (mode !== 'max' && mode !== 'min') {
      throw new OptionError(
        `${this.#what}: expected mode for "${this.#figure}", whose metric does not say which values are better, got none. Give mode: 'max' or 'min', or the metric \`better\`.`,
      );
    }
    this.#sign = mode === 'max' ? -1 : 1;
    this.best = this.#first;
    this.bestEpoch = 0;
  }

  /** Whether this epoch is the best so far, which is then kept. */
  improves(record: EpochRecord): boolean {
    if (!this.isBetter(record)) return false;
    this.keep(record);
    return true;
  }

  isBetter(record: EpochRecord): boolean {
    const { best } = this;
    // NaN is never the best.
    return this.#sign * this.#valueOf(record) < (best === undefined ? Infinity : this.#sign * best - this.#margin(best));
  }

  keep(record: EpochRecord): void {
    this.best = this.#valueOf(record);
    this.bestEpoch = record.epoch;
  }

  /** @throws DataError if no epoch up to this one had a finite value, nor was a best given; a metric may have none in a sound fit */
  checkBest(record: EpochRecord): void {
    const isLoss = this.#figure === 'loss' || this.#figure === 'valLoss';
    if (this.best !== undefined || (!isLoss && Number.isFinite(record.loss))) return;
    throw new DataError(
      `${this.#what}: expected a finite ${this.#figure} in one of ${record.epoch} epochs, got none, the last ${this.#valueOf(record)}. Look for where it comes from by debug: true.`,
    );
  }

  #valueOf(record: EpochRecord): number {
    return valueOf(record, this.#figure) ?? NaN;
  }
}
