import { evaluationRows } from '../model/batch-runs.js';
import type { Control } from '../control.js';
import type { Equipment } from './equipment.js';
import { type Evaluation, type EvaluationOptions, evaluationOf } from './evaluation.js';
import type { Batch, BatchSource, Targets } from './batch.js';
import type { FitOptions } from './options.js';
import type { Totals } from './totals.js';

/** What a fit evaluates after each epoch. */
export class Validation {
  readonly #equipment: Equipment;
  readonly #data: Batch<Targets> | BatchSource;
  readonly #options: EvaluationOptions;
  #evaluation: Evaluation | undefined;

  constructor(equipment: Equipment, data: Batch<Targets> | BatchSource, { carryState = false, checkFinite = false }: FitOptions) {
    this.#equipment = equipment;
    this.#data = data;
    this.#options = { carryState, checkFinite };
  }

  /**
   * Checks arrays, once a fit, and copies them: to be awaited before the first step, where a failure is met. Carried states need the batches of the
   * training.
   */
  prepare(control: Control, batchSize: number = evaluationRows): Promise<unknown> {
    this.#evaluation ??= evaluationOf('fit validation', this.#data, this.#equipment, { ...this.#options, batchSize }, control);
    return this.#evaluation.ready;
  }

  run(control: Control): Promise<Totals> {
    return this.#evaluation!.run(control);
  }
}
