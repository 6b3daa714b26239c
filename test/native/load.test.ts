import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loaderArguments, nodeProgram, scriptUrl } from '../support/scripts.js';

const library = scriptUrl('lib/native');

/** What loading the addon and asking for its kernels, in a process of its own, prints to stderr when it fails. */
function complaint(env: NodeJS.ProcessEnv): string {
  const script = `import(${JSON.stringify(library)}).then(({ native }) => native().cpuInfo()).catch((e) => { console.error(e.message); process.exit(3); })`;
  const { status, stderr } = spawnSync(nodeProgram, [...loaderArguments, '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, PREBUILDS_ONLY: undefined, ...env },
  });
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
});
