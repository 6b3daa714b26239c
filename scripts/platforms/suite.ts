/** The mocha suite as plain JavaScript with the binaries beside it: an emulator cannot run the compiler that tsx needs. */
import { build } from 'esbuild';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { folder, root } from './tools.js';

/** Returns the folder of the suite, in that of its platform, whose packages it finds above itself. */
export async function writeSuite(platform: string): Promise<string> {
  const suite = folder(`${platform}/suite`);
  for (const part of ['lib', 'test', 'examples', 'accuracy', 'scripts']) {
    rmSync(resolve(suite, part), { recursive: true, force: true });
    await build({
      absWorkingDir: root,
      entryPoints: [`${part}/**/*.ts`],
      outdir: resolve(suite, part),
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'warning',
    });
  }
  // These compile the snippets of the documentation, which are in no JavaScript.
  rmSync(resolve(suite, 'test/docs'), { recursive: true });
  cpSync(resolve(root, 'test/fixtures'), resolve(suite, 'test/fixtures'), { recursive: true });
  cpSync(resolve(root, 'accuracy/support/digits-2022.json'), resolve(suite, 'accuracy/support/digits-2022.json'));
  cpSync(resolve(root, 'scripts'), resolve(suite, 'scripts'), { recursive: true });
  // Tests compare what both sides must know.
  cpSync(resolve(root, 'native'), resolve(suite, 'native'), { recursive: true });
  cpSync(resolve(root, 'docs/instruction-stream.md'), resolve(suite, 'docs/instruction-stream.md'));
  // Examples import the package by its name.
  const description = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  const exports = { '.': './lib/index.js', './kernels': './lib/kernels.js', './package.json': './package.json' };
  writeFileSync(resolve(suite, 'package.json'), JSON.stringify({ ...description, exports }));
  // Bun would take the paths of the next tsconfig.json above.
  writeFileSync(resolve(suite, 'tsconfig.json'), '{}');
  writeFileSync(
    resolve(suite, '.mocharc.json'),
    JSON.stringify({ require: [resolve(root, 'scripts/platforms/patience.js')], timeout: 20000 }),
  );
  return suite;
}
