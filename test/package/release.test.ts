import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkBinaries, checkRelease } from '../../scripts/package/release.js';

const manifest = {
  version: '1.2.3',
  repository: { type: 'git', url: 'git+https://github.com/some/where.git' },
  homepage: 'https://github.com/some/where#readme',
  bugs: { url: 'https://github.com/some/where/issues' },
};

describe('the check of a tarball for a release', () => {
  it('passes the repository and the version of the tag', () => {
    const environment = { GITHUB_REPOSITORY: 'some/where', GITHUB_REF_TYPE: 'tag', GITHUB_REF_NAME: 'v1.2.3' };
    assert.equal(checkRelease(manifest, environment), '1.2.3, git+https://github.com/some/where.git');
    assert.ok(checkRelease(manifest, { GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'main' }));
  });

  const refused = [
    ['no repository', { version: '1.2.3' }, {}, /expected repository\.url, homepage and bugs\.url for a release, got none\./],
    ['another repository', manifest, { GITHUB_REPOSITORY: 'no/where' }, /expected the repository no\/where .*, got git\+https/],
    [
      'another version',
      manifest,
      { GITHUB_REF_TYPE: 'tag', GITHUB_REF_NAME: 'v1.2.4' },
      /expected the version of the tag v1\.2\.4, got 1\.2\.3\./,
    ],
  ] as const;
  for (const [what, wrong, environment, complaint] of refused) {
    it(`refuses ${what}`, () => assert.throws(() => checkRelease(wrong, environment), complaint));
  }
});

describe('the check of the binaries of every platform', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lanewise-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A file that begins as a binary for darwin-arm64 does, and then has these names. */
  const plant = (platform: string, names: string): void => {
    mkdirSync(join(folder, platform));
    writeFileSync(join(folder, platform, 'lanewise.node'), Buffer.from(`\xcf\xfa\xed\xfe\x0c\x00\x00\x01 ${names}`, 'latin1'));
  };
  const entryPoints = 'napi_register_module_v1 node_api_module_get_api_version_v1';

  it('passes one that is for its folder', () => {
    plant('darwin-arm64', entryPoints);
    assert.equal(checkBinaries(folder), 'darwin-arm64');
  });

  const refused = [
    ['one for another platform', 'darwin-x64', entryPoints, /lanewise\.node: expected a binary for darwin-x64, got one for darwin-arm64\./],
    [
      'one without an entry point',
      'darwin-arm64',
      'napi_register_module_v1',
      /expected the entry point node_api_module_get_api_version_v1, got none\./,
    ],
    [
      'external ArrayBuffers',
      'darwin-arm64',
      `${entryPoints} napi_create_external_arraybuffer`,
      /no external ArrayBuffers, got napi_create_external_arraybuffer\./,
    ],
  ] as const;
  for (const [what, platform, names, complaint] of refused) {
    it(`refuses ${what}`, () => {
      plant(platform, names);
      assert.throws(() => checkBinaries(folder), complaint);
    });
  }
});
