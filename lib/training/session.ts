/** One run of a program at a time, with a way to stop it and to see how far it is. */
import { setImmediate } from 'node:timers/promises';
import type { DebugReport, Program } from '../compile/program.js';
import { DataError } from '../errors.js';
import type { MemorySlot } from '../graph/source.js';
import type { MemoryHandle } from '../native.js';

/** Words of the control array. */
const stopWord = 0;
const doneWord = 1;

/** Stops the runs it is given to; `done` counts the finished steps of the present one. */
export class Control {
  readonly words: Int32Array = new Int32Array(new SharedArrayBuffer(8));
  #failure: { readonly error: unknown } | undefined;

  get done(): number {
    return Atomics.load(this.words, doneWord);
  }

  get stopped(): boolean {
    return Atomics.load(this.words, stopWord) !== 0;
  }

  /** Called once stopped: for who waits for something else meanwhile. */
  onStop: (() => void) | undefined;

  stop(): void {
    Atomics.store(this.words, stopWord, 1);
    this.onStop?.();
  }

  set done(steps: number) {
    Atomics.store(this.words, doneWord, steps);
  }

  /** Stops because of an error; `check()` throws the first. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.stop();
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/**
 * Runs the steps; in debug mode one instruction at a time on this thread, with an error that names the layer of the first NaN or infinity.
 * `control.done` says how many were finished, however it ends.
 */
export async function runSteps(
  program: Program,
  memories: ReadonlyMap<MemorySlot, MemoryHandle>,
  steps: number,
  firstStep: number,
  control: Control,
  debug: boolean,
): Promise<number> {
  control.done = 0;
  if (!debug) return program.run(memories, steps, firstStep, control.words);
  await setImmediate(); // For timers and signals: what follows holds up the event loop.
  const report = program.runDebug(memories, steps, firstStep);
  control.done = report?.step ?? steps;
  if (report !== undefined) throw notFinite(report, firstStep);
  return steps;
}

function notFinite(report: DebugReport, firstStep: number): DataError {
  return new DataError(
    `${report.label || 'model'}: expected finite numbers, got the first NaN or infinity in step ${firstStep + report.step}, in ${report.operation}. Lower the learning rate, clip gradients, or check the data.`,
  );
}
