import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

/** What a run was measured on. */
export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly node: string;
  readonly date: string;
}

export function machine(): Machine {
  return { processor: processor(), processors: availableParallelism(), node: process.version, date: new Date().toISOString() };
}

export function machineText({ processor, processors, node, date }: Machine): string {
  return `${processor}, ${processors} processor${processors > 1 ? 's' : ''}; Node ${node.slice(1)}; ${date.slice(0, 10)}`;
}

/** The model's name and, where the system tells, family and model: virtual machines often hide the generation from the name. */
function processor(): string {
  const name = cpus()[0]?.model.trim() ?? 'unknown processor';
  const [family, model] = ['cpu family', 'model'].map((key) => new RegExp(`^${key}\\s*: (\\d+)$`, 'm').exec(details())?.[1]);
  return family === undefined || model === undefined ? name : `${name} (family ${family} model ${model})`;
}

/** Kernels for it end the process elsewhere. */
export function hasAvx512(): boolean {
  return /^flags\s*:.* avx512f /m.test(details());
}

function details(): string {
  return process.platform === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : '';
}
