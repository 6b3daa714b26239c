import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The path of a file inside an installed package. */
export function packageFile(name: string, ...parts: readonly string[]): string {
  return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), ...parts);
}
