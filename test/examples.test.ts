import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '../lib/index.js';

function example(name: string, ...args: string[]): string {
  const script = fileURLToPath(new URL(`../examples/${name}.ts`, import.meta.url));
  return execFileSync(process.execPath, ['--import', 'tsx', script, ...args], { encoding: 'utf8', timeout: 110_000 });
}

describe('examples', function () {
  this.timeout(120_000);

  it('xor: one layer cannot, two can', () => assert.match(example('xor'), /^two layers, cross-entropy, stochastic .* 4 of 4 right/m));

  it('mnist-mlp trains on a slice, reports and saves', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
    try {
      const out = join(folder, 'digits.safetensors');
      const text = example('mnist-mlp', '--epochs', '2', '--train-rows', '3000', '--test-rows', '500', '--out', out);
      const share = Number(/test accuracy (\d+\.\d+) %/.exec(text)![1]);
      assert.ok(share > 80, `accuracy ${share} %`);
      assert.match(text, /669,706 parameters/);
      assert.equal((await readSafetensors(out)).tensors.size, 6);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('server answers while it trains', () => {
    const text = example('server', '--once', '--rows', '4000', '--epochs', '2');
    assert.ok(Number(/(\d+) answers while training/.exec(text)![1]) > 0, text);
  });
});
