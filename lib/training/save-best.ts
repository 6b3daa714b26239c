import { checkOptions } from '../options.js';
import { type Path, pathOf } from '../paths.js';
import { Callback, type FitContext } from './callback.js';
import type { EpochRecord } from './history.js';
import { Monitor, type MonitorOptions, monitorRules } from './monitor.js';

/**
 * Writes the model's weights after each epoch that is the best so far, as `model.save` does: in one piece or not at all, for `model.load`.
 * One whose value is NaN is never the best: where all are, no file is written.
 *
 * To go on after a crash with what was best give `best`: a file of better weights is then not overwritten by worse ones.
 *
 * @throws OptionError for wrong options, and from fit if it does not report what is watched; FileError from fit
 */
export class SaveBest extends Callback {
  readonly path: string;
  readonly #monitor: Monitor;

  constructor(file: Path, options: MonitorOptions = {}) {
    super();
    this.path = pathOf('SaveBest', 'path', file);
    const own = checkOptions('SaveBest', options, monitorRules);
    this.#monitor = new Monitor('SaveBest', own);
  }

  /** Value of the epoch that was written last, or the best given; undefined before the first if none was. */
  get best(): number | undefined {
    return this.#monitor.best;
  }

  /** That epoch, from 1; 0 before the first. */
  get bestEpoch(): number {
    return this.#monitor.bestEpoch;
  }

  override onStart(context: FitContext): void {
    this.#monitor.start(context);
  }

  override async onEpoch(record: EpochRecord, { model }: FitContext): Promise<void> {
    if (!this.#monitor.isBetter(record)) return;
    await model.save(this.path);
    this.#monitor.keep(record);
  }
}
