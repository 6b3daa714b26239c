import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binaryPath } from '../../lib/native.js';
import { loaderArguments, nodeProgram, scriptUrl } from '../support/scripts.js';

const library = scriptUrl('lib/native');

/** Loads the addon and asks for its kernels in a process of its own. */
function load(env: NodeJS.ProcessEnv): SpawnSyncReturns<string> {
  const script = `import(${JSON.stringify(library)}).then(({ native }) => native().cpuInfo()).catch((e) => { console.error(e.message); process.exit(3); })`;
  return spawnSync(nodeProgram, [...loaderArguments, '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, PREBUILDS_ONLY: undefined, ...env },
  });
}

/** What it prints to stderr when that fails. */
function complaint(env: NodeJS.ProcessEnv): string {
  const { status, stderr } = load(env);
  assert.equal(status, 3, stderr);
  return stderr;
}

describe('loading the native side', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lanewise-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('says which instruction sets there are if LANEWISE_ISA names another', () => {
    assert.match(
      complaint({ LANEWISE_ISA: 'mmx' }),
      /LANEWISE_ISA: expected one of .*(baseline|neon).* \(what this machine can run\), got 'mmx'\. Unset it to use the best one\./,
    );
  }).timeout(30000);

  it('says how to build a binary that is missing', () => {
    // node-gyp-build looks only there if this is set.
    assert.match(
      complaint({ LANEWISE_PREBUILD: folder }),
      /expected a native binary for \w+-\w+ that loads, got: No native build was found .*Build it with: npm explore lanewise -- npm run build:native/,
    );
  }).timeout(30000);

  it('says what is wrong with a binary that cannot be loaded', () => {
    mkdirSync(join(folder, 'build', 'Release'), { recursive: true });
    writeFileSync(join(folder, 'build', 'Release', 'lanewise.node'), 'no library');
    const message = complaint({ LANEWISE_PREBUILD: folder });
    assert.match(message, /expected a native binary for \w+-\w+ that loads, got: .*lanewise\.node.*Build it with/);
  }).timeout(30000);

  it('takes the binary for musl where that for glibc does not load', () => {
    const prebuilds = join(folder, 'prebuilds', `${process.platform}-${process.arch}`);
    const [glibc, musl] = ['glibc', 'musl'].map((libc) => join(prebuilds, `lanewise.${libc}.node`)) as [string, string];
    const env = { LANEWISE_PREBUILD: folder, LIBC: 'glibc' };
    mkdirSync(prebuilds, { recursive: true });
    writeFileSync(glibc, 'no library');
    writeFileSync(musl, 'no library');
    assert.match(complaint(env), /got: .*lanewise\.glibc\.node.*Build it with/);
    copyFileSync(binaryPath(), musl);
    const { status, stderr } = load(env);
    assert.equal(status, 0, stderr);
  }).timeout(60000);
});
