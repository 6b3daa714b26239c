/** Reports of how far a fit is. */
import { type MemoryHandle, native } from '../native.js';
import type { Control } from '../control.js';
import type { Progress } from './options.js';

/** Milliseconds between progress reports. */
const interval = 50;

/** Is told the last loss and the steps finished. Never rejects. */
export type StepReport = (loss: number, done: number) => Promise<unknown>;

/** Tells `onProgress` how far an epoch is; what goes wrong there, at once or later, fails the control. */
export class EpochProgress {
  readonly #onProgress: (progress: Progress) => unknown;
  readonly #epoch: Omit<Progress, 'step' | 'loss'>;
  readonly #control: Control;
  #told: number;
  /** Settled when all that it was told is. */
  #heard: Promise<unknown> = Promise.resolve();

  /** @param tellsFirst the first step is told at once, not after an interval */
  constructor(onProgress: (progress: Progress) => unknown, epoch: Omit<Progress, 'step' | 'loss'>, control: Control, tellsFirst = false) {
    this.#onProgress = onProgress;
    this.#epoch = epoch;
    this.#control = control;
    this.#told = tellsFirst ? -Infinity : performance.now();
  }

  /** Never rejects. */
  tell(step: number, loss: number, steps = this.#epoch.steps): Promise<unknown> {
    this.#told = performance.now();
    return (this.#heard = Promise.all([this.#heard, this.#tell({ ...this.#epoch, step, steps, loss })]));
  }

  async #tell(progress: Progress): Promise<void> {
    try {
      await this.#onProgress(progress);
    } catch (error) {
      this.#control.fail(error);
    }
  }

  /** The same, if the last time was an interval ago. */
  tellIfDue(step: number, loss: number): void {
    if (performance.now() - this.#told >= interval) void this.tell(step, loss);
  }

  /** At the end of the epoch, which waits for it and all before; nothing after a stop. */
  async tellEnd(steps: number, loss: number): Promise<void> {
    if (!this.#control.stopped) await this.#control.unlessStopped(() => this.tell(steps, loss, steps));
  }
}

/** Reports now and then while steps run, until the timer is cleared. `width`: results of a step. */
export function reportSteps(report: StepReport, control: Control, results: MemoryHandle, width: number): NodeJS.Timeout {
  const last = new Float32Array(1);
  return setInterval(() => {
    const { done } = control;
    if (done === 0) return;
    native().readMemory(results, (done - 1) * width * 4, last);
    void report(last[0]!, done);
  }, interval);
}
