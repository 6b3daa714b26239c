import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loaderArguments, nodeProgram, scriptUrl } from '../support/scripts.js';

const library = scriptUrl('lib/native');

/** What loading the addon and asking for its kernels, in a process of its own, prints to stderr when it fails: the error's code, its message. */
function complaint(env: NodeJS.ProcessEnv, url = library, ...flags: readonly string[]): string {
  return complaintOf('({ native }) => native().cpuInfo()', env, url, ...flags);
}

/** The same of a function of the module at `url`. */
function complaintOf(run: string, env: NodeJS.ProcessEnv, url: string, ...flags: readonly string[]): string {
  const script = `import(${JSON.stringify(url)}).then(${run}).catch((e) => { console.error(e.code + ' ' + e.message); process.exit(3); })`;
  const { status, stderr } = spawnSync(nodeProgram, [...loaderArguments, ...flags, '-e', script], {
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
      /ERR_NATIVE LANEWISE_ISA: expected one of .*(baseline|neon).* \(what this machine can run\), got 'mmx'\. Unset it to use the best one\./,
    );
  }).timeout(30000);

  it('does not blame a kernel for it', () => {
    const run = `({ softmax }) => softmax({ rows: 1, columns: 1, input: new Float32Array(1), output: new Float32Array(1) })`;
    assert.match(complaintOf(run, { LANEWISE_ISA: 'mmx' }, scriptUrl('lib/kernels')), /^ERR_NATIVE LANEWISE_ISA: expected one of /);
  }).timeout(30000);

  for (const [what, run] of Object.entries({
    predict: `(l) => new l.Sequential([new l.Linear(1)]).predict(l.array([[1]]))`,
    fit: `(l) => new l.Trainer(new l.Sequential([new l.Linear(1)]), { loss: new l.MSELoss(), optimizer: new l.SGD({ lr: 1 }) }).fit({ x: l.array([[1]]), y: l.array([[1]]) }, { epochs: 1 })`,
    'a compiled function': `(l) => l.compile((x) => l.add(x, 1))(l.array([1]))`,
  })) {
    it(`does not blame the memory where the first to need it is ${what}`, () => {
      const url = scriptUrl('lib/index');
      assert.match(complaintOf(run, { LANEWISE_ISA: 'mmx' }, url), /^ERR_NATIVE (fit: )?LANEWISE_ISA: expected one of /);
      if (process.versions.bun === undefined)
        assert.match(complaintOf(run, {}, url, '--no-addons'), /^ERR_NATIVE (fit: )?lanewise: expected a native binary /);
    }).timeout(60000);
  }

  it('says how to build a binary that is missing', () => {
    // node-gyp-build looks only there if this is set.
    assert.match(
      complaint({ LANEWISE_PREBUILD: folder }),
      /ERR_NATIVE lanewise: expected a native binary for \w+-\w+ that loads, got: No native build was found .*Build it with: npm explore lanewise -- npm run build:native/,
    );
  }).timeout(30000);

  it('says what is wrong with a binary that cannot be loaded', () => {
    mkdirSync(join(folder, 'build', 'Release'), { recursive: true });
    writeFileSync(join(folder, 'build', 'Release', 'lanewise.node'), 'no library');
    const message = complaint({ LANEWISE_PREBUILD: folder });
    assert.match(message, /expected a native binary for \w+-\w+ that loads, got: .*lanewise\.node.*Build it with/);
  }).timeout(30000);

  it('says how Node is started where it may load no addons', function () {
    if (process.versions.bun !== undefined) this.skip();
    assert.match(
      complaint({}, library, '--no-addons'),
      /ERR_NATIVE lanewise: expected a native binary .*Start Node without --no-addons or, with --permission, add --allow-addons\.\n$/,
    );
  }).timeout(30000);

  for (const format of ['esm', 'cjs'] as const) {
    it(`says that the package is to be kept external if it was bundled as ${format}`, async function () {
      // The suite of another platform (npm run check:platforms) is JavaScript, and has no esbuild.
      if (import.meta.url.endsWith('.js')) this.skip();
      const { build } = await import('esbuild');
      const outfile = join(folder, format === 'esm' ? 'bundle.mjs' : 'bundle.cjs');
      await build({ entryPoints: ['lib/native.ts'], outfile, bundle: true, platform: 'node', format, logLevel: 'silent' });
      assert.match(
        complaint({}, pathToFileURL(outfile).href),
        /ERR_NATIVE lanewise: expected a native binary .*It was bundled into another file: keep the package external \(esbuild --external:lanewise/,
      );
    }).timeout(30000);
  }
});
