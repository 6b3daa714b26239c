import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = `${root}bench/drivers`;
const output = `${root}build-bench`;

export interface Program {
  readonly source: string;
  readonly flags?: readonly string[];
  /** Directories of headers and of libraries; a missing one means that the peer is not installed. */
  readonly include?: string;
  readonly library?: string;
  readonly link?: readonly string[];
}

/** Compiles a C++ driver unless it is up to date; returns its path, or undefined if the library is not installed. */
export function build(name: string, program: Program): string | undefined {
  const { source, flags = [], include, library, link = [] } = program;
  if ((include !== undefined && !existsSync(include)) || (library !== undefined && !existsSync(library))) return undefined;
  mkdirSync(output, { recursive: true });
  const target = `${output}/${name}`;
  const inputs = [
    ...readdirSync(sources)
      .filter((file) => /\.(cc|h)$/.test(file))
      .map((file) => `${sources}/${file}`),
    ...link.filter(existsSync),
  ];
  if (existsSync(target) && inputs.every((file) => statSync(file).mtimeMs < statSync(target).mtimeMs)) return target;
  const args = ['-std=c++20', '-O3', '-pthread', ...flags, `${sources}/${source}`, '-o', target];
  if (include !== undefined) args.push('-I', include);
  if (library !== undefined) args.push('-L', library, `-Wl,-rpath,${library}`);
  // As make has it, a launcher such as ccache may stand before the compiler.
  const [command, ...launched] = (process.env.CXX ?? 'g++').split(' ');
  execFileSync(command!, [...launched, ...args, ...link], { stdio: 'inherit' });
  return target;
}

/** The static libraries that node-gyp made for the addon. */
export function nativeLibraries(): string[] {
  const directory = `${root}build/Release`;
  if (!existsSync(directory)) return [];
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.a')).map((file) => `${directory}/${file}`);
}
