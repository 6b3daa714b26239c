/** Bundles a program with esbuild and webpack, the package left out of the bundle, in both module formats, and runs what came out. */
import { join } from 'node:path';
import { build } from 'esbuild';
import webpack from 'webpack';

const formats = { mjs: 'module', cjs: 'commonjs' } as const;
type Format = keyof typeof formats;

async function esbuildBundle(project: string, format: Format, outfile: string): Promise<void> {
  await build({
    absWorkingDir: project,
    entryPoints: [`step.${format}`],
    outfile,
    bundle: true,
    platform: 'node',
    format: format === 'mjs' ? 'esm' : 'cjs',
    external: ['lanewise'],
    logLevel: 'silent',
  });
}

function webpackBundle(project: string, format: Format, outfile: string): Promise<void> {
  const compiler = webpack({
    context: project,
    mode: 'none',
    target: 'node20',
    entry: `./step.${format}`,
    externals: [/^lanewise(\/|$)/],
    externalsType: formats[format],
    experiments: { outputModule: format === 'mjs' },
    output: { path: project, filename: outfile, module: format === 'mjs', chunkFormat: formats[format] },
  });
  return new Promise((done, refuse) => {
    compiler?.run((error, stats) => {
      if (error) refuse(error);
      else if (stats?.hasErrors()) refuse(new Error(stats.toString('errors-only')));
      else done();
    });
  });
}

/** @throws unless each bundle trains as the program does */
export async function checkBundlers(project: string, run: (...args: string[]) => string): Promise<string> {
  for (const [name, bundle] of Object.entries({ esbuild: esbuildBundle, webpack: webpackBundle })) {
    for (const format of ['mjs', 'cjs'] as const) {
      const outfile = `${name}.${format}`;
      await bundle(project, format, name === 'esbuild' ? join(project, outfile) : outfile);
      run(outfile);
    }
  }
  return 'esbuild and webpack, each as ES module and CommonJS';
}
