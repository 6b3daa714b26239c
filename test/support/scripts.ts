/**
 * Starts scripts of this repository in processes and workers of their own: TypeScript through tsx, or what scripts/platforms made of
 * it. LANEWISE_NODE is the program to run them with, which is not this process's own under an emulator.
 */
import { fileURLToPath } from 'node:url';

const compiled = import.meta.url.endsWith('.js');

export const nodeProgram: string = process.env.LANEWISE_NODE ?? process.execPath;

/** What a process needs before the path of a script. */
export const loaderArguments: readonly string[] = compiled ? [] : ['--import', 'tsx'];

/** @param name the path from the root, without its extension */
export function scriptUrl(name: string): string {
  return new URL(`../../${name}.${compiled ? 'js' : 'ts'}`, import.meta.url).href;
}

/** The arguments that run a script in a process of its own. */
export function scriptArguments(name: string, ...args: readonly string[]): string[] {
  return [...loaderArguments, fileURLToPath(scriptUrl(name)), ...args];
}

/** A script as the source of a worker; workers do not inherit the loader of TypeScript. */
export function workerSource(name: string): string {
  const load = `import(${JSON.stringify(scriptUrl(name))})`;
  return compiled ? load : `import('tsx/esm/api').then(({ register }) => { register(); return ${load}; })`;
}

/** How much longer than on this machine alone a process may take: in an emulator, under a sanitizer. */
export const patience = Number(process.env.LANEWISE_PATIENCE ?? 1);
