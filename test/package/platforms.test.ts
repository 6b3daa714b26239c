import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

describe('the suite that other platforms run', () => {
  it('has all files that its tests read as they are loaded', async function () {
    // Where it runs itself there is nothing to make it of.
    if (process.platform !== 'linux' || process.versions.bun !== undefined || !existsSync('binding.gyp')) this.skip();
    const { writeSuite } = await import('../../scripts/platforms/suite.js');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [resolve('node_modules/mocha/bin/mocha.js'), 'test/**/*.test.js', '--dry-run', '--reporter', 'dot'],
      // node-gyp-build looks only there.
      { cwd: await writeSuite('dry-run'), env: { ...process.env, LANEWISE_PREBUILD: resolve('.') }, encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout + stderr);
  }).timeout(120_000);
});
