import type { Tensor } from '../graph/tensor.js';

/** A number, or a function of the step (from 0) that gives one. */
export type Schedule = number | ((step: number) => number);

/** New values of a parameter and its slots. */
export interface Update {
  readonly parameter: Tensor;
  readonly slots: Readonly<Record<string, Tensor>>;
}

/**
 * A rule that changes a parameter: its slots (per-parameter state, zero at first unless `slotInit` says otherwise) and one update, in operations. The rule is
 * elementwise, so the trainer applies it once to all parameters as one flat vector. The trainer owns the step count, schedules
 * and clipping. Concrete optimizers are final.
 */
export abstract class Optimizer {
  /** Names of the state kept for each parameter. */
  abstract readonly slots: readonly string[];
  /** First value of a slot that does not start at zero. */
  readonly slotInit: Readonly<Record<string, number>> = {};
  /** Whether a gradient of zero leaves a parameter and its slots as they are. Then rows of a table no id points at need no update. */
  readonly restsAtZero: boolean = false;
  /**
   * Learning rate, of all trainers that share this object: give each its own, as in cross-validation, where a rate is set or lowered by
   * ReduceLROnPlateau. It may be set at any time: from a callback, it holds from the next epoch on; between calls of `step`, from the next step. For
   * what depends on the step itself give a function. All other fields of the optimizers of this library are read-only.
   */
  abstract lr: Schedule;

  /** Names of the numbers that change from step to step. */
  readonly scalars: readonly string[] = ['lr'];

  /**
   * Writes those numbers for one step, worked out in double precision, to out[at], out[at + 1], … in the order of their names.
   * step = 0, 1, 2, …; called for every step, so it allocates nothing.
   */
  writeScalars(out: Float32Array, at: number, _step: number, lr: number): void {
    out[at] = lr;
  }

  /** The rule. `scalars` holds what `scalars` names, as tensors of shape []. */
  abstract update(
    parameter: Tensor,
    gradient: Tensor,
    slots: Readonly<Record<string, Tensor>>,
    scalars: Readonly<Record<string, Tensor>>,
  ): Update;
}
