// Builds dist/*.js: each entry point and what they share, so that an import reads 2 files and not 170 (`npm run import-time`).
// tsc writes the declarations beside them.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const dist = resolve(root, 'dist');

/** The command line imports the package as others do, which leaves the package in as few files as if there were none. */
const packageIsExternal = {
  name: 'package-is-external',
  setup(context) {
    context.onResolve({ filter: /^\.\.\/(index|kernels)\.js$/ }, ({ path, importer }) =>
      importer.includes(resolve(root, 'lib/cli')) ? { path: `.${path.slice(2)}`, external: true } : undefined,
    );
  },
};

/** esbuild calls a class that mentions itself _Name inside: takes that back, since it is what `constructor.name` gives. */
function restoreClassNames(file) {
  const code = readFileSync(file, 'utf8');
  const names = [...code.matchAll(/\b(\w+)\s*=\s*class _\1\b/g)].map(([, name]) => name);
  if (names.length > 0) writeFileSync(file, code.replaceAll(new RegExp(`\\b_(${names.join('|')})\\b`, 'g'), '$1'));
}

/** Errors and summaries name classes; esbuild numbers those of which two files have one. */
async function checkClassNames(entry) {
  const exported = Object.entries(await import(pathToFileURL(resolve(dist, entry))));
  const wrong = exported.filter(([name, value]) => /^class\b/.test(String(value)) && value.name !== name);
  if (wrong.length > 0) {
    const found = wrong.map(([name, value]) => `${name}, got ${value.name}`).join('; ');
    throw new Error(`dist/${entry}: expected a class called ${found}. Give the other class of that name another one.`);
  }
}

rmSync(dist, { recursive: true, force: true });
const options = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  // Short lines: Node prints the one an uncaught error comes from.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 140,
};
await build({ ...options, entryPoints: { index: 'lib/index.ts', kernels: 'lib/kernels.ts' } });
await build({ ...options, entryPoints: { cli: 'lib/cli/main.ts' }, plugins: [packageIsExternal] });
for (const file of readdirSync(dist)) restoreClassNames(resolve(dist, file));
for (const entry of ['index.js', 'kernels.js']) await checkClassNames(entry);
