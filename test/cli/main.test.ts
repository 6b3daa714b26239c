import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { nodeProgram, patience, scriptArguments } from '../support/scripts.js';

/** The command line where the native side cannot be had. */
function lanewise(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(nodeProgram, scriptArguments('lib/cli/main', ...args), {
    encoding: 'utf8',
    timeout: 20000 * patience,
    env: { ...process.env, LANEWISE_ISA: 'mmx' },
  });
}
const problem = /^LANEWISE_ISA: expected one of .*, got 'mmx'\. Unset it to use the best one\.\n$/;

describe('npx lanewise', () => {
  it('says its version', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
    assert.equal(lanewise('--version').stdout, `${version}\n`);
  }).timeout(30000);

  it('bench says in one message why it cannot measure', () => {
    const { status, stdout, stderr } = lanewise('bench');
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.match(stderr, problem);
  }).timeout(30000);

  it('bench --json says so in JSON', () => {
    const { status, stdout, stderr } = lanewise('bench', '--json');
    assert.equal(status, 1);
    assert.match(`${(JSON.parse(stdout) as { error: string }).error}\n`, problem);
    assert.equal(stderr, '');
  }).timeout(30000);

  it('doctor --json says so as a finding', () => {
    const { status, stdout } = lanewise('doctor', '--json');
    assert.equal(status, 1);
    const { healthy, findings } = JSON.parse(stdout) as { healthy: boolean; findings: { name: string; status: string; details: string }[] };
    assert.equal(healthy, false);
    const { name, status: found, details } = findings.at(-1)!;
    assert.deepEqual([name, found], ['binary', 'broken']);
    assert.match(`${details}\n`, problem);
  }).timeout(30000);
});
