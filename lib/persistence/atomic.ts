import { type FileHandle, chmod, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FileError } from '../errors.js';
import { reasonOf } from '../reason.js';
import { removeLeftovers, temporaryPath } from './temporary.js';

/** Bytes in one system call: some systems take no more than 2 GiB. */
export const chunkBytes = 1 << 30;

/** The last write to each path that is not done yet. */
const writing = new Map<string, Promise<unknown>>();

/** Writes to one path one after the other, so that the last call's content stays. Otherwise as `replaceFile`. */
export async function writeAtomically(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const place = resolve(path);
  const before = writing.get(place);
  const write = (async (): Promise<void> => {
    await before?.catch(() => undefined);
    await replaceFile(path, parts);
  })();
  writing.set(place, write);
  try {
    await write;
  } finally {
    if (writing.get(place) === write) writing.delete(place);
  }
}

/**
 * Writes a file that is either complete or not there: into a new file beside it, to the disk, then in place of the old one, whose mode it
 * gets. A symbolic link stays one, to the file written.
 * @throws FileError, also for a folder, a pipe or a device in its place; the old file is then untouched and the new one gone
 */
async function replaceFile(path: string, parts: readonly Uint8Array[]): Promise<void> {
  try {
    const target = await behindLinks(path);
    const old = await unlessMissing(stat(target));
    if (old?.isFile() === false) {
      throw new FileError(
        `save: expected a file or nothing at ${path}, got something else, such as a folder or a pipe. Choose another name.`,
      );
    }
    const folder = dirname(target);
    if (old === undefined && (await unlessMissing(stat(folder))) === undefined)
      throw new FileError(`save: expected to write ${path}, got ENOENT: no folder ${folder}. Make the folder first.`);
    await replaceTarget(target, parts, old && old.mode & 0o7777);
    await syncDirectory(folder);
  } catch (cause) {
    if (cause instanceof FileError) throw cause;
    const reason = reasonOf(cause);
    throw new FileError(`save: expected to write ${path}, got ${reason}. The old file, if there was one, is unchanged.`, { cause });
  }
}

async function replaceTarget(target: string, parts: readonly Uint8Array[], mode: number | undefined): Promise<void> {
  await removeLeftovers(target);
  const temporary = temporaryPath(target);
  try {
    // From the beginning nobody may read more than the old file, also of what a killed process leaves.
    const file = await open(temporary, 'wx', mode);
    try {
      for (const part of parts) await writeFully(file, part);
      if (mode !== undefined) await chmod(temporary, mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw cause;
  }
}

/** The file that a path means, or would mean: what is to be written where a link leads nowhere yet. */
async function behindLinks(path: string): Promise<string> {
  const link = await readlink(path).catch(() => undefined);
  if (link === undefined) return path;
  return (await unlessMissing(realpath(path))) ?? behindLinks(resolve(await realpath(dirname(path)), link));
}

async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  return result.catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw cause;
  });
}

async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, Math.min(bytes.length - done, chunkBytes))).bytesWritten;
  }
}

/** Makes the new name outlive a power cut. Some systems and file systems cannot sync a directory; the file itself is safe by then. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch {
    return;
  }
}
