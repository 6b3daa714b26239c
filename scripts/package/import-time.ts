/**
 * How long the import of the package takes to a usable kernel table: in fresh processes, from before `import('lanewise')` until cpuInfo() has
 * returned, so without the start of Node itself. The files are in the operating system's cache.
 *
 *   npm run import-time           40 processes
 *   npm run import-time -- 200    as many as that
 */
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';

/** Milliseconds. Other work on the machine lengthens what passed, and processor time far less. */
interface Times {
  readonly passed: number;
  readonly processor: number;
}

export interface ImportTime {
  readonly median: Times;
  readonly least: Times;
  readonly processes: number;
}

/** Measures `script` in as many fresh processes, after one that is not counted. */
export function importTime(script: string, processes: number, options: { cwd: string; env: NodeJS.ProcessEnv }): ImportTime {
  const once = (): Times => JSON.parse(execFileSync(process.execPath, [script], { ...options, encoding: 'utf8' })) as Times;
  once();
  const times = Array.from({ length: processes }, once);
  const at = (position: number): Times => {
    const ranked = (of: keyof Times): number => times.map((t) => t[of]).sort((a, b) => a - b)[position]!;
    return { passed: ranked('passed'), processor: ranked('processor') };
  };
  return { median: at(processes >> 1), least: at(0), processes };
}

export function formatImportTime({ median, least, processes }: ImportTime): string {
  const text = ({ passed, processor }: Times): string => `${passed.toFixed(1)} ms, of processor time ${processor.toFixed(1)} ms`;
  return `median ${text(median)}; least ${text(least)} (${processes} processes)`;
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  const script = resolve(import.meta.dirname, 'consumer/import-time.mjs');
  console.log(formatImportTime(importTime(script, Number(process.argv[2] ?? 40), { cwd: import.meta.dirname, env: process.env })));
}
