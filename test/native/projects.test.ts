import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const prefix = resolve(process.execPath, '../..');
const withExceptions = ['lanewise_core', 'lanewise'];

/** The last of the words that start with `start`: of flags that exclude each other it is the one that counts. */
const last = (words: readonly string[], start: string): string | undefined => words.findLast((word) => word.startsWith(start));

// Node's own settings come with its headers, and the flags of binding.gyp must prevail over them.
describe('what node-gyp makes of binding.gyp', () => {
  let folder = '';
  const project = (system: 'win' | 'mac', arch: 'x64' | 'arm64', read: (out: string, target: string) => readonly string[]) => {
    const out = join(folder, `${system}-${arch}`);
    const { status, stdout, stderr } = spawnSync('python3', ['scripts/platforms/gyp-project.py', system, arch, prefix, out], { encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
    return (target: string) => read(out, target);
  };
  before(function () {
    // The suite of another platform (npm run check:platforms) has no binding.gyp.
    const can = process.platform === 'linux' && existsSync('binding.gyp') && existsSync(resolve(prefix, 'include/node/common.gypi'));
    if (!can) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  for (const arch of ['x64', 'arm64'] as const) {
    const rows = arch === 'x64' ? ['lanewise_baseline', 'lanewise_avx2', 'lanewise_avx512'] : ['lanewise_neon'];
    it(`on Windows for ${arch} is C++20 in clang, with exceptions but in the kernels`, () => {
      const flags = project('win', arch, (out, target) => {
        const text = readFileSync(resolve(out, `${target}.vcxproj`), 'utf8');
        assert.match(text, /<PlatformToolset>ClangCL</);
        return /<ClCompile>\s*<AdditionalIncludeDirectories>[^<]*<\/AdditionalIncludeDirectories>\s*<AdditionalOptions>([^<]*)</
          .exec(text)![1]!
          .split(' ');
      });
      for (const target of [...withExceptions, ...rows]) {
        const words = flags(target);
        assert.match(last(words, '/std:') ?? '', /c\+\+20/);
        assert.ok(words.lastIndexOf('/std:c++20') > words.findLastIndex((word) => word.startsWith('-std:')), target);
        assert.equal(words.includes('/EHsc'), withExceptions.includes(target), target);
        assert.ok(words.includes('/clang:-ffp-contract=off'), target);
        assert.equal(words.includes('-mavx2'), /avx/.test(target), target);
      }
    });
    it(`on macOS for ${arch} is C++20 for macOS 11, with exceptions but in the kernels`, () => {
      const flags = project('mac', arch, (out, target) => readFileSync(resolve(out, `${target}.target.mk`), 'utf8').split(/\s+/));
      for (const target of [...withExceptions, ...rows]) {
        const words = flags(target);
        assert.equal(last(words, '-std='), '-std=c++20');
        assert.deepEqual([...new Set(words.filter((word) => word.startsWith('-mmacosx-version-min')))], ['-mmacosx-version-min=11.0']);
        assert.equal(words.includes('-fno-exceptions'), !withExceptions.includes(target), target);
        assert.equal(last(words, '-ffp-contract'), '-ffp-contract=off');
        assert.equal(words.includes('-mavx2'), /avx/.test(target), target);
      }
    });
  }
});
