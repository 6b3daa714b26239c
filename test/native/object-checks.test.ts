import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const script = (name: string): string => fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url));
const works = (command: string): boolean => spawnSync(command, ['--version']).status === 0;
// The scripts are bash's, sort by version as GNU's sort does, and the planted faults name the versions of glibc: Alpine has none of them.
const { glibcVersionRuntime } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
const canCompile =
  process.platform === 'linux' &&
  process.arch === 'x64' &&
  glibcVersionRuntime !== undefined &&
  ['bash', 'g++', 'objdump'].every(works);

const fused = 'vfmadd231ps %%ymm1, %%ymm2, %%ymm3\\n'.repeat(12);
const loop = (body: string): string => `void gemm_tile() { __asm__ volatile("1:\\n${fused}${body}dec %%rcx\\njne 1b\\n" ::: "rcx"); }`;
const entryPoints = 'extern "C" void napi_register_module_v1() {} extern "C" void node_api_module_get_api_version_v1() {}';

describe('checks of the objects', () => {
  let folder: string;
  beforeEach(function () {
    if (!canCompile) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
  });
  afterEach(() => folder !== undefined && rmSync(folder, { recursive: true, force: true }));

  /** What a script says of an object made from `source`, with its exit status. */
  function verdict(check: string, file: string, source: string, ...flags: string[]): { status: number | null; stdout: string } {
    const object = join(folder, file);
    mkdirSync(dirname(object), { recursive: true });
    writeFileSync(`${object}.cc`, source);
    const compiled = spawnSync('g++', ['-O1', '-fPIC', ...flags, `${object}.cc`, '-o', object], { encoding: 'utf8' });
    assert.equal(compiled.status, 0, compiled.stderr);
    const target = file.endsWith('.node') ? object : folder;
    return spawnSync(script(check), [target], { encoding: 'utf8' });
  }

  const cases = [
    ['check-weak-symbols.sh', 'native/isa/avx2.o', 'int f() { return 1; }', 'inline int f() { return 1; } int (*g)() = f;', /weak symbols:[^]*f\(\)/],
    ['check-vector-width.sh', 'native/runtime/run.o', 'void f() {}', 'void f() { __asm__("vzeroall\\nvaddps %ymm0, %ymm1, %ymm2"); }', /wide registers:[^]*%ymm/],
    ['check-spills.sh', 'native/isa/avx2.o', loop(''), loop('vmovaps %%ymm0, -0x28(%%rsp)\\n'), /vectors spilled in inner loops:[^]*gemm_tile/],
  ] as const;
  for (const [check, file, sound, planted, complaint] of cases) {
    it(`${check} passes what is sound and finds what is planted`, () => {
      assert.equal(verdict(check, file, sound, '-c').status, 0);
      const { status, stdout } = verdict(check, file, planted, '-c');
      assert.equal(status, 1);
      assert.match(stdout, complaint);
    });
  }

  const bare = ['-shared', '-nodefaultlibs'];
  for (const [check, file, source, tools] of [
    ['check-weak-symbols.sh', 'native/isa/avx2.o', 'int f() { return 1; }', ['nm']],
    ['check-vector-width.sh', 'native/runtime/run.o', 'void f() {}', ['objdump']],
    ['check-spills.sh', 'native/isa/avx2.o', loop(''), ['objdump']],
    ['check-binary.sh', 'a.node', entryPoints, ['nm', 'readelf', 'objdump']],
  ] as const) {
    for (const tool of tools) {
      it(`${check} fails if ${tool} does`, () => {
        const broken = join(folder, 'bin', tool);
        mkdirSync(dirname(broken));
        // One that writes what it should, and then fails.
        writeFileSync(broken, `#!/bin/sh\nPATH=\${PATH#*:} ${tool} "$@"; exit 1\n`);
        chmodSync(broken, 0o755);
        const flags = file.endsWith('.node') ? bare : ['-c'];
        assert.equal(verdict(check, file, source, ...flags).status, 0);
        const object = join(folder, file);
        const env = { ...process.env, PATH: `${dirname(broken)}:${process.env.PATH ?? ''}` };
        assert.equal(spawnSync(script(check), [flags === bare ? object : folder], { env }).status, 2);
      });
    }
  }

  const binaries = [
    ['an export too many', `${entryPoints} void more() {}`, /expected the exports napi_register_module_v1 node_api_module_get_api_version_v1, got .*more/],
    ['an export too few', 'extern "C" void napi_register_module_v1() {}', /expected the exports .*, got napi_register_module_v1\n/],
    ['the name of a C library', `${entryPoints} extern "C" int puts(const char*); int hello() { return puts("hello"); }`, /no libraries but libstdc\+\+\.so\.6 libgcc_s\.so\.1, got libc\.so\.6\n/, '-Wl,--no-as-needed', '-lc'],
    // The symbol of any thread library of 2.34 or newer; it is only named, never called.
    ['a newer C library', `${entryPoints} __asm__(".symver newer, pthread_create@GLIBC_2.34"); extern "C" int newer(); int (*keep)() = newer; `, /at most GLIBC_2\.28, got GLIBC_2\.34/, '-Wl,--no-as-needed', '-lc'],
    ['a newer C++ library', `${entryPoints} __asm__(".symver newer, _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE@GLIBCXX_3.4.30"); extern "C" int newer(); int (*keep)() = newer;`, /at most GLIBCXX_3\.4\.25, got GLIBCXX_3\.4\.30/, '-Wl,--no-as-needed', '-lstdc++'],
    // Only the GNU C library has it.
    ['what musl lacks', `${entryPoints} extern "C" int gnu_get_libc_version(); int (*keep)() = gnu_get_libc_version;`, /that glibc and musl both have .*, got gnu_get_libc_version\n/],
    ['an external ArrayBuffer', `${entryPoints} extern "C" int napi_create_external_arraybuffer(); int (*keep)() = napi_create_external_arraybuffer;`, /no external ArrayBuffers, got napi_create_external_arraybuffer\n/],
  ] as const;
  for (const [fault, source, complaint, ...libraries] of binaries) {
    it(`check-binary.sh finds ${fault}`, () => {
      const { status, stdout } = verdict('check-binary.sh', 'a.node', source, ...bare, ...libraries);
      assert.equal(status, 1);
      assert.match(stdout, complaint);
    });
  }

  it('check-binary.sh passes the two entry points alone', () => {
    assert.equal(verdict('check-binary.sh', 'a.node', entryPoints, ...bare).status, 0);
  });
}).timeout(120000);
