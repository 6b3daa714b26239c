/**
 * Packs the library and uses the tarball as a stranger would: an empty folder, scripts off, nothing but Node on the PATH, no network.
 *
 *   npm run check:package             packs prebuilds/ as it is; with none for this machine, builds that one first
 *   npm run check:package -- a.tgz    checks that tarball
 *   npm run check:package -- --busy   says how long installing and importing take, and judges neither: for a machine with other work
 *   npm run check:package -- --release a.tgz    also refuses one that names no repository, nor the version of the tag it is released by
 *
 * It runs with the Node that runs it, and installs with the npm that does.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkBundlers } from './bundlers.js';
import { formatImportTime, importTime } from './import-time.js';
import { type Manifest, checkBinaries, checkRelease } from './release.js';
import { checkTypes } from './types.js';

const root = resolve(import.meta.dirname, '../..');
const modules = join(root, 'node_modules');
const flag = { type: 'boolean', default: false } as const;
const { values, positionals } = parseArgs({ allowPositionals: true, options: { busy: flag, release: flag } });
const { busy, release } = values;
/** Sizes: with the binary of one platform, and with all six. */
const limits = { installSeconds: 5, unpackedMegabytes: 5, unpackedMegabytesOfAll: 16, importMilliseconds: 30 };

const folder = mkdtempSync(join(tmpdir(), 'lanewise-package-'));
const failures: string[] = [];

/** One line of the report. */
function report(what: string, good: boolean, details: string): void {
  console.log(`${good ? 'ok    ' : 'FAILED'}  ${what.padEnd(44)} ${details}`);
  if (!good) failures.push(what);
}

/** A step that passes unless it throws; it returns what to print. */
async function attempt(what: string, step: () => string | Promise<string>): Promise<void> {
  try {
    report(what, true, (await step()).trim());
  } catch (error) {
    const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message: string };
    report(what, false, `${message}\n${stdout ?? ''}${stderr ?? ''}`);
  }
}

/** A folder with node alone, to be the whole PATH: what is installed with it needs no compiler, no Python and no shell. */
function nodeOnly(): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  return bin;
}

/** npm's program: an npm script that runs this is told it. */
function npmProgram(): string {
  const told = process.env.npm_execpath;
  return told !== undefined && told.endsWith('.js') ? told : resolve(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js');
}

function pack(): string {
  if (!existsSync(join(root, 'prebuilds', `${process.platform}-${process.arch}`))) {
    execFileSync('npm', ['run', '--silent', 'prebuildify'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root, encoding: 'utf8' });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  return join(folder, filename);
}

function bytesUnder(directory: string): number {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
}

function manifestOf(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
}

/** What two checkers of packages say of the tarball. */
function lint(tarball: string): string {
  const tool = (path: string, ...args: string[]): string =>
    execFileSync(process.execPath, [join(modules, path), ...args], { encoding: 'utf8', stdio: 'pipe' });
  tool('publint/src/cli.js', 'run', tarball, '--strict', '--level', 'warning');
  // Not asked: Node below 20.19, which cannot require ES modules.
  tool('@arethetypeswrong/cli/dist/index.js', tarball, '--no-definitely-typed', '--ignore-rules', 'cjs-resolves-to-esm');
  return 'publint, are the types wrong';
}

/** Electron and its like are Node under another name, on which the binary must not depend. */
function renamedHost(): string {
  const host = join(folder, process.platform === 'win32' ? 'host.exe' : 'host');
  cpSync(process.execPath, host);
  return execFileSync(host, ['step.mjs'], { cwd: project, env, encoding: 'utf8', stdio: 'pipe' });
}

/** What the command line measures. */
interface Measured {
  readonly cpu: { readonly isa: string };
  readonly limits: readonly { readonly gigaflops: number; readonly gigabytes: number }[];
  readonly measurements: readonly { readonly what: string; readonly value: number; readonly unit: string; readonly share?: number }[];
}

/** Runs the command line's measurements, which take seconds, and looks whether they can be true. */
function bench(): string {
  const measure = (): Measured => JSON.parse(run(join(installed, 'dist/cli.js'), 'bench', '--json')) as Measured;
  let measured = measure();
  // Other guests of the machine's host may have come between the measurement of a limit and that of its share, but hardly twice.
  if (untrue(measured) !== undefined) measured = measure();
  const wrong = untrue(measured);
  if (wrong !== undefined) throw new Error(JSON.stringify(wrong));
  const { cpu, measurements } = measured;
  return `${measurements.length} measurements on ${cpu.isa}, ${measurements.map(({ value, unit }) => `${value.toFixed(1)} ${unit}`).join(', ')}`;
}

/** What cannot be true, if anything. */
function untrue({ limits, measurements }: Measured): unknown {
  const most = busy ? Infinity : 1;
  const wrong = measurements.find(({ value, share = 1 }) => !(value > 0 && Number.isFinite(value) && share > 0 && share <= most));
  const unlimited = limits.find(({ gigaflops, gigabytes }) => !(gigaflops > 0 && gigabytes > 0));
  return wrong ?? unlimited ?? (measurements.length < 8 ? measurements : undefined);
}

const tarball = positionals[0] === undefined ? pack() : resolve(positionals[0]);
const project = join(folder, 'project');
mkdirSync(project);
writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true }\n');
cpSync(resolve(import.meta.dirname, 'consumer'), project, { recursive: true });
const env = { PATH: nodeOnly(), HOME: folder, npm_config_cache: join(folder, 'cache'), npm_config_update_notifier: 'false' };
const run = (...args: string[]): string => execFileSync(process.execPath, args, { cwd: project, env, encoding: 'utf8', stdio: 'pipe' });

const start = performance.now();
const installed = join(project, 'node_modules', 'lanewise');

await attempt('install: scripts off, offline, no compiler', () =>
  run(npmProgram(), 'install', '--ignore-scripts', '--offline', '--no-audit', '--no-fund', tarball),
);
const seconds = (performance.now() - start) / 1000;
if (existsSync(installed)) {
  const npm = run(npmProgram(), '--version').trim();
  report('install time', busy || seconds <= limits.installSeconds, `${seconds.toFixed(1)} s of ${limits.installSeconds}, npm ${npm}`);
  const megabytes = bytesUnder(installed) / 1e6;
  const binaries = readdirSync(join(installed, 'prebuilds'), { recursive: true }).filter((file) => String(file).endsWith('.node')).length;
  const most = binaries > 1 ? limits.unpackedMegabytesOfAll : limits.unpackedMegabytes;
  report('unpacked size', megabytes <= most, `${megabytes.toFixed(2)} MB of ${most}, binaries: ${binaries}`);
  const manifest = readFileSync(join(project, 'package-lock.json'), 'utf8');
  report('no install script', !manifest.includes('hasInstallScript'), 'none in the lock file');
  await attempt('binaries for their platforms', () => checkBinaries(join(installed, 'prebuilds')));
  if (release) await attempt('a release: repository and version', () => checkRelease(manifestOf(installed), process.env));
  await attempt('import: a training step', () => run('step.mjs'));
  await attempt('require: a training step', () => run('step.cjs'));
  await attempt('a host of another name: a training step', renamedHost);
  await attempt('the package itself', () => lint(tarball));
  await attempt('strict TypeScript, skipLibCheck false', () => checkTypes(project, modules, run));
  await attempt('bundles with the package external', () => checkBundlers(project, run));
  await attempt('npx lanewise doctor', () => run(join(installed, 'dist/cli.js'), 'doctor').split('\n').at(-2)!);
  await attempt('npx lanewise bench --json', bench);
  const time = importTime('import-time.mjs', 21, { cwd: project, env });
  report('import to a usable kernel table', busy || time.median.processor <= limits.importMilliseconds, formatImportTime(time));
}
rmSync(folder, { recursive: true });
console.log(failures.length === 0 ? 'the package is good' : `${failures.length} of the checks failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
