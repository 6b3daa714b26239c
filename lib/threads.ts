import { type CpuInfo, native } from './native.js';
import { type Rule, check } from './options.js';

export type { CpuInfo } from './native.js';

/** The instruction set in use and what this process may use of the machine. */
export function cpuInfo(): CpuInfo {
  return native().cpuInfo();
}

/** Threads that training and prediction compute on. Default: the processors this process may use. */
export function getThreads(): number {
  return native().getThreads();
}

const threads: Rule = {
  expected: 'a whole number in 1 … 256',
  accepts: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 256,
};

/** Sets the number of compute threads of the process. It changes the speed and never a bit of a result. @throws OptionError unless 1 … 256 */
export function setThreads(count: number): void {
  check('setThreads', 'count', count, threads);
  native().setThreads(count);
}
