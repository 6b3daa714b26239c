/** Commands and folders of the platform checks: everything is made in build-platforms/. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accessSync, constants } from 'node:fs';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));

export function folder(name: string): string {
  const path = resolve(root, 'build-platforms', name);
  mkdirSync(path, { recursive: true });
  return path;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** @throws with what the command printed, if it fails */
export function run(command: string, args: readonly string[], { cwd = root, env = {} }: RunOptions = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Error(`${[command, ...args].join(' ')} ended with status ${status}\n${stdout.slice(-2000)}${stderr.slice(-2000)}`);
  return stdout;
}

/** The path of a command. @throws if this machine has none */
export function tool(name: string): string {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = resolve(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next directory may have it.
    }
  }
  throw new Error(`expected the command ${name}, found none`);
}
