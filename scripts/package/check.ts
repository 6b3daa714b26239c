/**
 * Packs the library and uses the tarball as a stranger would: an empty folder, scripts off, nothing but Node on the PATH, no network.
 *
 *   npm run check:package             packs prebuilds/ as it is; with none for this machine, builds that one first
 *   npm run check:package -- a.tgz    checks that tarball
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

const root = resolve(import.meta.dirname, '../..');
const limits = { installSeconds: 5, unpackedMegabytes: 5, importMilliseconds: 30 };

const folder = mkdtempSync(join(tmpdir(), 'lanewise-package-'));
const failures: string[] = [];

/** One line of the report. */
function report(what: string, good: boolean, details: string): void {
  console.log(`${good ? 'ok    ' : 'FAILED'}  ${what.padEnd(44)} ${details}`);
  if (!good) failures.push(what);
}

/** A step that passes unless it throws; it returns what to print. */
function attempt(what: string, step: () => string): void {
  try {
    report(what, true, step().trim());
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

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

const tarball = process.argv[2] === undefined ? pack() : resolve(process.argv[2]);
const project = join(folder, 'project');
mkdirSync(project);
writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true }\n');
cpSync(resolve(import.meta.dirname, 'consumer'), project, { recursive: true });
const env = { PATH: nodeOnly(), HOME: folder, npm_config_cache: join(folder, 'cache'), npm_config_update_notifier: 'false' };
const run = (...args: string[]): string => execFileSync(process.execPath, args, { cwd: project, env, encoding: 'utf8', stdio: 'pipe' });

const start = performance.now();
attempt('install: scripts off, offline, no compiler', () =>
  run(npmProgram(), 'install', '--ignore-scripts', '--offline', '--no-audit', '--no-fund', tarball),
);
const seconds = (performance.now() - start) / 1000;
const installed = join(project, 'node_modules', 'lanewise');
if (existsSync(installed)) {
  report('install time', seconds <= limits.installSeconds, `${seconds.toFixed(1)} s of ${limits.installSeconds}`);
  const megabytes = bytesUnder(installed) / 1e6;
  report('unpacked size', megabytes <= limits.unpackedMegabytes, `${megabytes.toFixed(2)} MB of ${limits.unpackedMegabytes}`);
  const manifest = readFileSync(join(project, 'package-lock.json'), 'utf8');
  report('no install script', !manifest.includes('hasInstallScript'), 'none in the lock file');
  attempt('import: a training step', () => run('step.mjs'));
  attempt('require: a training step', () => run('step.cjs'));
  attempt('strict TypeScript, skipLibCheck false', () => {
    const types = join(project, 'node_modules', '@types');
    mkdirSync(types, { recursive: true });
    for (const name of ['@types/node', 'undici-types']) symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
    return run(join(root, 'node_modules/typescript/lib/tsc.js'), '--project', 'tsconfig.json') || 'no errors';
  });
  attempt('npx lanewise doctor', () => run(join(installed, 'dist/cli.js'), 'doctor').split('\n').at(-2)!);
  const times = Array.from({ length: 11 }, () => Number(run('import-time.mjs')));
  const time = median(times);
  report('import to a usable kernel table', time <= limits.importMilliseconds, `${time.toFixed(1)} ms of ${limits.importMilliseconds}`);
}
rmSync(folder, { recursive: true });
console.log(failures.length === 0 ? 'the package is good' : `${failures.length} of the checks failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
