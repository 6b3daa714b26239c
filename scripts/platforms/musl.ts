/** Runs a program for musl on another Linux: Debian's package musl has its C library, and no package its C++ library. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { folder, root, run, tool } from './tools.js';

const loader = '/lib/ld-musl-x86_64.so.1';
const library = '/usr/lib/x86_64-linux-musl/libc.so';

/** The command that runs `program`, which loads `addon`. @throws if the machine lacks the packages musl, musl-dev or g++ */
export function musl(program: string, addon: string): string {
  for (const file of [loader, library]) if (!existsSync(file)) throw new Error(`expected ${file} (packages musl and musl-dev), found none`);
  const libraries = resolve(folder('linux-x64-musl'), 'lib');
  linkCxxLibrary([program, addon], libraries);
  return `env LD_LIBRARY_PATH=${libraries} ${program}`;
}

/** A libstdc++ and libgcc_s of what the files need, out of g++'s own archives, on musl. For tests alone. */
function linkCxxLibrary(files: readonly string[], into: string): void {
  run('mkdir', ['-p', into]);
  // Undefined functions, and tables of classes, of which the linker has made a copy (B) in the program.
  const symbols = run(tool('nm'), ['--dynamic', ...files]).matchAll(
    / (?:U |B (?=_ZT))((?:_Z|__cxa|__gxx|_Unwind|__gcc|__dynamic_cast)[^\s@]*)/g,
  );
  const wanted = [...symbols].map(([, symbol]) => `-Wl,-u,${symbol}`);
  const archives = dirname(run(tool('g++'), ['-print-file-name=libstdc++.a']).trim());
  const shim = resolve(into, 'shim.o');
  const unwinder = resolve(into, 'libgcc_eh.a');
  run(tool('objcopy'), ['--redefine-sym', '_Unwind_Resume=hidden_Unwind_Resume', resolve(archives, 'libgcc_eh.a'), unwinder]);
  run(tool('gcc'), ['-O1', '-fPIC', '-fno-builtin', '-c', resolve(root, 'scripts/platforms/musl-shim.c'), '-o', shim]);
  run(tool('gcc'), [
    '-shared',
    '-nostdlib',
    '-Wl,-soname,libstdc++.so.6',
    ...wanted,
    shim,
    resolve(archives, 'libstdc++.a'),
    unwinder,
    resolve(archives, 'libgcc.a'),
    library,
    '-o',
    resolve(into, 'libstdc++.so.6'),
  ]);
  run('ln', ['-sf', 'libstdc++.so.6', resolve(into, 'libgcc_s.so.1')]);
}
