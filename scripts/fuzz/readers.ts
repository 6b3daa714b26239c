/**
 * Fuzzes the readers of files with Jazzer.js, libFuzzer's engine for JavaScript: coverage of lib/ and of csv-parse guides it.
 *
 *   node --import tsx scripts/fuzz/readers.ts                     idx, wav, csv, safetensors: ten million executions each
 *   node --import tsx scripts/fuzz/readers.ts 100000 csv idx      fewer, of some
 */
import { build } from 'esbuild';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dictionaries, seeds } from '../../test/fuzz/seeds.js';
import { olderSystem } from './older-system.js';

/** Brings a hundred packages, so it is no dependency of the package. */
const fuzzer = '@jazzer.js/core@4.0.0';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = resolve(root, 'build-fuzz');
type Target = keyof typeof seeds;
const isTarget = (name: string): name is Target => name in seeds;

const [executions = '10000000', ...names] = process.argv.slice(2);
const chosen = names.length > 0 ? names : Object.keys(seeds);
const unknown = chosen.find((name) => !isTarget(name));
if (unknown !== undefined) throw new RangeError(`expected targets of ${Object.keys(seeds).join(', ')}, got ${unknown}`);

mkdirSync(folder, { recursive: true });
execFileSync('npm', ['install', '--prefix', resolve(folder, 'tools'), '--no-save', '--ignore-scripts', fuzzer], { stdio: 'inherit' });
const env = {
  ...process.env,
  ...olderSystem(resolve(folder, 'tools/node_modules/@jazzer.js/fuzzer/prebuilds/fuzzer-linux-x64.node'), folder),
};
/** Bytes of an input. csv-parse takes some microseconds for each, and its grammar fits in few. */
const longest = (name: Target): number => (name === 'csv' ? 96 : 512);
/** Most inputs are refused: making their stack traces took most of the time. */
const banner = { js: 'Error.stackTraceLimit = 0;' };
let failed = 0;
for (const name of chosen.filter(isTarget)) {
  const corpus = resolve(folder, 'corpus', name);
  mkdirSync(corpus, { recursive: true });
  seeds[name].forEach((seed, i) => writeFileSync(resolve(corpus, `seed-${i}`), seed));
  const dictionary = resolve(folder, `${name}.dict`);
  writeFileSync(dictionary, dictionaries[name].map((word) => `"${word}"\n`).join(''));
  const outfile = resolve(folder, 'readers', `${name}.cjs`);
  await build({
    absWorkingDir: root,
    entryPoints: [`test/fuzz/${name}.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    banner,
    logLevel: 'warning',
  });
  console.log(`== ${name}`);
  const jazzer = resolve(folder, 'tools/node_modules/@jazzer.js/core/dist/cli.js');
  const limits = [
    `-runs=${executions}`,
    `-max_len=${longest(name)}`,
    '-rss_limit_mb=4096',
    '-print_final_stats=1',
    '-seed=1',
    `-dict=${dictionary}`,
  ];
  const artifacts = `-artifact_prefix=${resolve(folder, `${name}-`)}`;
  failed += run(process.execPath, jazzer, outfile, corpus, '--sync', '--includes', 'readers', '--', ...limits, artifacts) === 0 ? 0 : 1;
}
process.exitCode = failed > 0 ? 1 : 0;

function run(command: string, ...args: readonly string[]): number {
  return spawnSync(command, args, { stdio: 'inherit', env }).status ?? 1;
}
