import { isBatch, type Batch, type BatchSource } from './options.js';
import type { Control } from './session.js';
import type { Evaluation, Stepper } from './stepper.js';

export interface ValidationOptions {
  /** Rows a step, of arrays. */
  readonly batchSize: number | undefined;
  readonly carryState: boolean;
  readonly checkFinite: boolean;
}

/** What a fit evaluates after each epoch. */
export class Validation {
  readonly #stepper: Stepper;
  readonly #data: Batch | BatchSource;
  readonly #options: ValidationOptions;
  #evaluate: Evaluation | undefined;

  constructor(stepper: Stepper, data: Batch | BatchSource, options: ValidationOptions) {
    this.#stepper = stepper;
    this.#data = data;
    this.#options = options;
  }

  /** Checks and copies arrays before the first step. `rows`: of the batches of the training, which carried states need. */
  prepare(rows: number): void {
    if (this.#evaluate !== undefined) return;
    const { carryState, batchSize, checkFinite } = this.#options;
    this.#evaluate = isBatch(this.#data)
      ? this.#stepper.evaluation('fit validation', this.#data, { batchSize: carryState ? rows : batchSize, carryState, checkFinite })
      : this.#stepper.streamEvaluation('fit validation', this.#data, { carryState, checkFinite });
  }

  run(control: Control): ReturnType<Evaluation> {
    return this.#evaluate!(control);
  }
}
