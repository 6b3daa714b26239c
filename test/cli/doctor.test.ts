import assert from 'node:assert/strict';
import { type Diagnosis, attempt, diagnose, formatDiagnosis, node } from '../../lib/cli/doctor.js';
import { selfTest } from '../../lib/cli/self-test.js';
import { cpuInfo } from '../../lib/index.js';

describe('lanewise doctor', () => {
  it('finds this machine healthy', async () => {
    const diagnosis = await diagnose();
    assert.ok(diagnosis.healthy, formatDiagnosis(diagnosis));
    assert.deepEqual(
      diagnosis.findings.map(({ name }) => name),
      ['lanewise', 'node', 'binary', 'instructions', 'threads', 'kernels', 'gradients'],
    );
    assert.ok(diagnosis.findings.some(({ details }) => details.startsWith(cpuInfo().isa)));
  });

  for (const [version, status] of [
    ['20.19.0', 'good'],
    ['26.10.0', 'good'],
    ['20.18.3', 'broken'],
    ['18.20.0', 'broken'],
  ] as const) {
    it(`calls Node ${version} ${status}`, () => assert.equal(node(version).status, status));
  }

  it('says what to do under what is not good', () => {
    const diagnosis: Diagnosis = {
      healthy: false,
      findings: [{ name: 'node', status: 'broken', details: 'Node 18', mend: 'Install another.' }],
    };
    assert.match(formatDiagnosis(diagnosis), /^broken +node +Node 18\n +Install another\.\nlanewise does not work here/);
  });

  it('calls what a check throws broken', async () => {
    const finding = await attempt('kernels', () => {
      throw new Error('the system has no thread to give');
    });
    assert.equal(finding.status, 'broken');
    assert.equal(finding.details, 'the system has no thread to give');
  });

  it('tests kernels within their bounds', () => {
    for (const { kernel, error, bound } of selfTest()) {
      assert.ok(error <= bound, kernel);
    }
  });
});
