import { evaluationRows } from '../model/data.js';
import type { Control } from './control.js';
import type { Equipment } from './equipment.js';
import { type Evaluation, type EvaluationOptions, evaluationOf } from './evaluation.js';
import type { Batch, BatchSource, FitOptions, Targets } from './options.js';

/** What a fit evaluates after each epoch. */
export class Validation {
  readonly #equipment: Equipment;
  readonly #data: Batch<Targets> | BatchSource;
  readonly #options: EvaluationOptions;
  #evaluate: Evaluation | undefined;

  constructor(equipment: Equipment, data: Batch<Targets> | BatchSource, { carryState = false, checkFinite = false }: FitOptions) {
    this.#equipment = equipment;
    this.#data = data;
    this.#options = { carryState, checkFinite };
  }

  /** Checks and copies arrays, once a fit and before its first step. Carried states need the batches of the training. */
  prepare(batchSize: number = evaluationRows): void {
    this.#evaluate ??= evaluationOf('fit validation', this.#data, this.#equipment, { ...this.#options, batchSize });
  }

  run(control: Control): ReturnType<Evaluation> {
    return this.#evaluate!(control);
  }
}
