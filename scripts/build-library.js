// Builds dist/*.js: each entry point with what it imports in a few files, so that an import reads 3 files and not 170
// (160 ms against 35 ms). tsc writes the declarations beside them.
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
rmSync(resolve(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { index: 'lib/index.ts', kernels: 'lib/kernels.ts', cli: 'lib/cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  keepNames: true,
});
