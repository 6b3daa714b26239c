import { OptionError } from './errors.js';
import { type CpuInfo, native } from './native.js';

export type { CpuInfo } from './native.js';

/** The instruction set in use and what this process may use of the machine. */
export function cpuInfo(): CpuInfo {
  return native().cpuInfo();
}

/** Threads that training and prediction compute on. Default: the processors this process may use. */
export function getThreads(): number {
  return native().getThreads();
}

/** Sets the number of compute threads of the process. It changes the speed and never a bit of a result. @throws OptionError unless 1 … 256 */
export function setThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > 256)
    throw new OptionError(`setThreads: expected a whole number in 1 … 256, got ${count}.`);
  native().setThreads(count);
}
