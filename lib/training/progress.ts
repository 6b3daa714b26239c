/** Reports of how far a fit is. */
import { type MemoryHandle, native } from '../native.js';
import type { Control } from '../control.js';
import type { FitOptions, Progress } from './options.js';

/** Milliseconds between progress reports. */
export const progressInterval = 50;

/** Is told the last loss and the steps finished. Never rejects. */
export type StepReport = (loss: number, done: number) => Promise<unknown>;

/** Calls `onProgress`; what goes wrong there, at once or later, fails the control. */
export function reporter({ onProgress }: FitOptions, control: Control): ((progress: Progress) => Promise<unknown>) | undefined {
  if (onProgress === undefined) return undefined;
  return (progress) => new Promise<unknown>((resolve) => resolve(onProgress(progress))).catch((error: unknown) => control.fail(error));
}

/** Reports now and then while steps run, until the timer is cleared. `width`: results of a step. */
export function reportSteps(report: StepReport, control: Control, results: MemoryHandle, width: number): NodeJS.Timeout {
  const last = new Float32Array(1);
  return setInterval(() => {
    const { done } = control;
    if (done === 0) return;
    native().readMemory(results, (done - 1) * width * 4, last);
    void report(last[0]!, done);
  }, progressInterval);
}
