import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FileError } from '../errors.js';
import { reasonOf } from '../reason.js';

/** Bytes in one system call: some systems take no more than 2 GiB. */
const chunkBytes = 1 << 30;

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
 * Writes a file that is either complete or not there: into a new file beside it, to the disk, then in place of the old one.
 * @throws FileError; the old file is then untouched and the new one gone
 */
async function replaceFile(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      for (const part of parts) await writeFully(file, part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    const reason = reasonOf(cause);
    throw new FileError(`save: expected to write ${path}, got ${reason}. The old file, if there was one, is unchanged.`, { cause });
  }
  await syncDirectory(dirname(path));
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
