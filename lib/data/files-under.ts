import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A name in a directory; a link is what it leads to. */
interface Entry {
  readonly path: string;
  readonly kind: 'directory' | 'file' | 'dangling link';
}

/** The entries of a directory that are not hidden. */
export async function entriesOf(directory: string): Promise<readonly Entry[]> {
  const entries = (await readdir(directory, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
  return Promise.all(
    entries.map(async (entry): Promise<Entry> => {
      const path = join(directory, entry.name);
      const target = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
      if (target === undefined) return { path, kind: 'dangling link' };
      return { path, kind: target.isDirectory() ? 'directory' : 'file' };
    }),
  );
}

/**
 * The paths of all files in a directory, as deep as they lie in it, without hidden ones. What is no regular file is among them: whoever reads
 * it by `bytesAt` is told so. @throws Error for a link in a circle
 */
export async function filesUnder(directory: string, above: readonly string[] = []): Promise<readonly string[]> {
  const real = await realpath(directory);
  if (above.includes(real)) throw new Error(`a link at ${directory} to a directory that it lies in`);
  const files: (string | readonly string[])[] = [];
  for (const { path, kind } of await entriesOf(directory))
    files.push(kind === 'directory' ? await filesUnder(path, [...above, real]) : path);
  return files.flat();
}

/** The bytes of a file. @throws Error for what is no regular file: a pipe would be waited for, and a device has no end */
export async function bytesAt(path: string): Promise<Uint8Array> {
  if (!(await stat(path)).isFile()) throw new Error('what is no regular file');
  return readFile(path);
}
