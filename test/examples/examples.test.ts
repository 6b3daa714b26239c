import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '../../lib/index.js';

const script = (name: string): string => fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));

function example(name: string, ...args: string[]): string {
  return execFileSync(process.execPath, ['--import', 'tsx', script(name), ...args], { encoding: 'utf8', timeout: 110_000 });
}

/** Runs `body` with a folder that is gone afterwards. */
async function withFolder(body: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('examples', function () {
  this.timeout(120_000);

  it('xor: one layer cannot, two can', () => assert.match(example('xor'), /^two layers, cross-entropy, stochastic .* 4 of 4 right/m));

  it('mnist-mlp trains on a slice, reports and saves', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'digits.safetensors');
      const text = example('mnist-mlp', '--epochs', '2', '--train-rows', '3000', '--test-rows', '500', '--out', out);
      const share = Number(/test accuracy (\d+\.\d+) %/.exec(text)![1]);
      assert.ok(share > 80, `accuracy ${share} %`);
      assert.match(text, /669,706 parameters/);
      assert.equal((await readSafetensors(out)).tensors.size, 6);
    }));

  it('lecun1989 climbs the ladder on a slice', () => {
    const text = example('lecun1989', '--train-rows', '500', '--test-rows', '100', '--passes', '3');
    const errors = [...text.matchAll(/(\d+\.\d+) %\s+(\d+\.\d+) %\s+(4\.09|4\.38|3\.59) %/g)];
    assert.equal(errors.length, 3);
    assert.ok(Number(errors[0]![1]) < 50, `training error ${errors[0]![1]} %`);
    assert.match(text, /Over-fitting, .* points/);
  });

  it('server answers while it trains', () => {
    const text = example('server', '--once', '--rows', '4000', '--epochs', '2');
    assert.ok(Number(/(\d+) answers while training/.exec(text)![1]) > 0, text);
  });
});
