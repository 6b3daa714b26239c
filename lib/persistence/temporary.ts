/** Files on their way to a target, beside it, and those that a process has left that was killed. */
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** A new name beside the target that says of it and of the process. */
export function temporaryPath(target: string): string {
  return join(dirname(target), `${prefixOf(target)}${process.pid}-${crypto.randomUUID()}.tmp`);
}

/** What is younger may be a file that a process writes whose number says nothing here: one of another container, with the same name of the host. */
const leastAge = 3_600_000;

/** Removes what processes of this machine that are over have left an hour ago or earlier of targets whose names begin so. What cannot be removed stays. */
export async function removeLeftovers(target: string): Promise<void> {
  const [folder, prefix] = [dirname(target), prefixOf(target)];
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const pid = /^(\d+)-[0-9a-f-]{36}\.tmp$/.exec(name.slice(prefix.length))?.[1];
    const path = join(folder, name);
    if (pid !== undefined && (await isOld(path)) && !isOfLivingProcess(Number(pid))) await rm(path, { force: true }).catch(() => undefined);
  }
}

/** A name has 255 bytes at most, of which a character of the target's takes up to four. */
function prefixOf(target: string): string {
  return `lanewise-${[...basename(target)].slice(0, 30).join('')}-${hostname().slice(0, 63)}-`;
}

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtimeMs < Date.now() - leastAge;
}

function isOfLivingProcess(pid: number): boolean {
  // In a container the next process often has the number of the one before; none writes one file for an hour.
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
