/** Files on their way to a target, beside it, and those that a process has left that was killed. */
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** A new name beside the target that says of it and of the process. */
export function temporaryPath(target: string): string {
  return join(dirname(target), `${prefixOf(target)}${process.pid}-${crypto.randomUUID()}.tmp`);
}

/** Removes what processes of this machine that are over have left of the same target. What cannot be removed stays. */
export async function removeLeftovers(target: string): Promise<void> {
  const [folder, prefix] = [dirname(target), prefixOf(target)];
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const pid = /^(\d+)-[0-9a-f-]{36}\.tmp$/.exec(name.slice(prefix.length))?.[1];
    const path = join(folder, name);
    if (pid !== undefined && !(await isOfLivingProcess(path, Number(pid)))) await rm(path, { force: true }).catch(() => undefined);
  }
}

/** A name has 255 bytes at most, of which a character of the target's takes up to four. */
function prefixOf(target: string): string {
  return `lanewise-${[...basename(target)].slice(0, 30).join('')}-${hostname().slice(0, 63)}-`;
}

async function isOfLivingProcess(path: string, pid: number): Promise<boolean> {
  // In a container the next process often has the number of the one before.
  if (pid === process.pid) {
    const found = await stat(path).catch(() => undefined);
    return found === undefined || found.mtimeMs >= Date.now() - process.uptime() * 1000;
  }
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
