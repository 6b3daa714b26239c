import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The entries of a directory that are not hidden; a link is what it leads to. */
export async function entriesOf(directory: string): Promise<readonly { readonly path: string; readonly isDirectory: boolean }[]> {
  const entries = (await readdir(directory, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
  return Promise.all(
    entries.map(async (entry) => {
      const path = join(directory, entry.name);
      // A link that leads nowhere is left to whoever reads it as a file.
      const isDirectory = entry.isSymbolicLink() ? await stat(path).then((to) => to.isDirectory(), () => false) : entry.isDirectory(); // prettier-ignore
      return { path, isDirectory };
    }),
  );
}

/** The paths of all files in a directory, as deep as they lie in it, without hidden ones. @throws Error for a link in a circle */
export async function filesUnder(directory: string, above: readonly string[] = []): Promise<readonly string[]> {
  const real = await realpath(directory);
  if (above.includes(real)) throw new Error(`a link at ${directory} to a directory that it lies in`);
  const files: string[] = [];
  for (const { path, isDirectory } of await entriesOf(directory)) {
    if (isDirectory) files.push(...(await filesUnder(path, [...above, real])));
    else files.push(path);
  }
  return files;
}
