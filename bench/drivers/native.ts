import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, nativeLibraries } from '../build.js';

const native = fileURLToPath(new URL('../../native', import.meta.url));

/** Compiles a driver of lanewise's own kernels; undefined if the addon has not been built. */
export function buildLanewise(name: string): string | undefined {
  const libraries = nativeLibraries();
  if (libraries.length === 0) return undefined;
  return build(name, { source: `${name}.cc`, include: native, link: ['-Wl,--start-group', ...libraries, '-Wl,--end-group'] });
}

/** Compiles a driver of oneDNN; undefined if it is not installed. */
export function buildOneDnn(name: string): string | undefined {
  return existsSync('/usr/include/dnnl.hpp') ? build(name, { source: `${name}.cc`, link: ['-ldnnl'] }) : undefined;
}
