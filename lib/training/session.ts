/** One run of a program at a time, with a way to stop it and to see how far it is. */
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

  get done(): number {
    return Atomics.load(this.words, doneWord);
  }

  get stopped(): boolean {
    return Atomics.load(this.words, stopWord) !== 0;
  }

  stop(): void {
    Atomics.store(this.words, stopWord, 1);
  }

  restart(): void {
    Atomics.store(this.words, doneWord, 0);
  }
}

/** Runs the steps; in debug mode one instruction at a time on this thread, with an error that names the layer of the first NaN or infinity. */
export async function runSteps(
  program: Program,
  memories: ReadonlyMap<MemorySlot, MemoryHandle>,
  steps: number,
  firstStep: number,
  control: Control,
  debug: boolean,
): Promise<number> {
  control.restart();
  if (!debug) return program.run(memories, steps, firstStep, control.words);
  const report = program.runDebug(memories, steps, firstStep);
  if (report !== undefined) throw notFinite(report, firstStep);
  return steps;
}

function notFinite(report: DebugReport, firstStep: number): DataError {
  return new DataError(
    `${report.label || 'model'}: expected finite numbers, got the first NaN or infinity in step ${firstStep + report.step}, in ${report.operation}. Lower the learning rate, clip gradients, or check the data.`,
  );
}
