import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpuInfo } from '../../lib/index.js';
import { nodeProgram, scriptArguments } from '../support/scripts.js';

function train(threads: number, isa: string): string {
  return execFileSync(nodeProgram, scriptArguments('test/support/train-hash', String(threads)), {
    env: { ...process.env, LANEWISE_ISA: isa },
    encoding: 'utf8',
  }).trim();
}

describe('the bits of 200 training steps', () => {
  const fused = cpuInfo().available.filter((isa) => isa !== 'baseline');
  const reference = train(1, cpuInfo().isa);

  it('are those of 200 steps', () => assert.match(reference, /^200 [0-9a-f]{64}$/));

  for (const isa of fused) {
    for (const threads of [1, 2, 4]) {
      it(`are the same on ${isa} with ${threads} threads`, () => assert.equal(train(threads, isa), reference)).timeout(60000);
    }
  }

  it('are reproducible on the baseline row with any number of threads', () => {
    if (!cpuInfo().available.includes('baseline')) return;
    assert.equal(train(2, 'baseline'), train(1, 'baseline'));
  }).timeout(60000);
});
