import assert from 'node:assert/strict';
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CrossEntropyLoss, Linear, SGD, Sequential, Trainer } from '../../lib/index.js';
import { type Native, binaryPath, native } from '../../lib/native.js';
import { classProblem } from '../support/problems.js';
import { loaderArguments, nodeProgram, patience, scriptArguments } from '../support/scripts.js';

const endless = 'test/support/endless-fit';

/** One product by an addon: 1·3 + 2·4. */
const elevenBy = `(addon) => {
  const c = new Float32Array(1);
  addon.gemm(1, 1, 2, new Float32Array([1, 2]), 0, 2, 1, new Float32Array([3, 4]), 0, 1, 1, c, 0, 1, undefined, 0, false);
  return c[0];
}`;

describe('the native side', () => {
  it('is loaded by eight workers at once', async () => {
    const script = `require('node:worker_threads').parentPort.postMessage((${elevenBy})(require(${JSON.stringify(binaryPath())})))`;
    const workers = Array.from({ length: 8 }, () => new Worker(script, { eval: true }));
    const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
    assert.deepEqual(answers.flat(), Array(8).fill(11));
  }).timeout(60000);

  it('may be there several times in one process', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
    try {
      const copies = [1, 2, 3].map((number) => {
        const copy = join(folder, `copy-${number}.node`);
        copyFileSync(binaryPath(), copy);
        return createRequire(import.meta.url)(copy) as Native;
      });
      for (const copy of copies) {
        copy.setThreads(2);
        assert.equal(copy.getThreads(), 2);
        const c = new Float32Array(1);
        copy.gemm(1, 1, 2, new Float32Array([1, 2]), 0, 2, 1, new Float32Array([3, 4]), 0, 1, 1, c, 0, 1, undefined, 0, false);
        assert.equal(c[0], 11);
      }
    } finally {
      // Windows keeps what is loaded.
      if (process.platform !== 'win32') rmSync(folder, { recursive: true, force: true });
    }
  });

  it('trains in forked processes at once', async () => {
    const [path, ...args] = scriptArguments(endless, 'exit').slice(loaderArguments.length);
    const children = [1, 2].map(() => fork(path!, args, { execPath: nodeProgram, execArgv: [...loaderArguments], stdio: 'ignore' }));
    const codes = await Promise.all(children.map((child) => once(child, 'exit')));
    assert.deepEqual(codes, [
      [0, null],
      [0, null],
    ]);
  }).timeout(60000);

  it('dies of an interrupt during a fit, and of nothing else', () => {
    const { signal, status } = spawnSync(nodeProgram, scriptArguments(endless, 'interrupt'), { timeout: 60000 * patience });
    // Windows has no signals: node ends the process with status 1.
    assert.deepEqual([signal, status], process.platform === 'win32' ? [null, 1] : ['SIGINT', null]);
  }).timeout(90000);

  it('gives an error for a memory no machine has', () => {
    assert.throws(() => native().createMemory(Number.MAX_SAFE_INTEGER), { code: 'ERR_LANEWISE_MEMORY', message: /this machine cannot provide/ });
  });
});

describe('a product of one element with itself', () => {
  const product = (k: number) => {
    const c = new Float32Array(1);
    native().gemm(1, 1, k, new Float32Array([1]), 0, 0, 0, new Float32Array([1]), 0, 0, 0, c, 0, 1, undefined, 0, false);
    return c[0];
  };
  it('is as long as it is asked to be', () => assert.equal(product(1000), 1000));
  it('is refused where it would take days', () =>
    assert.throws(() => product(2 ** 31), { name: 'RangeError', message: /^gemm: expected an integer from 0 to 2147483647 for k, got 2147483648$/ }));
});

describe('buffers during a fit', () => {
  const fit = async (data: ReturnType<typeof classProblem>, during: () => void): Promise<Float32Array> => {
    const model = new Sequential([new Linear(3)], { seed: 1 });
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }) });
    const running = trainer.fit(data, { epochs: 20, batchSize: 16 });
    during();
    await running;
    return [...model.weights().values()][0]!.data;
  };

  it('may be transferred: the data was copied', async () => {
    const expected = await fit(classProblem(512, 8, 3), () => undefined);
    const data = classProblem(512, 8, 3);
    const weights = await fit(data, () => structuredClone(data.x.data.buffer, { transfer: [data.x.data.buffer as ArrayBuffer] }));
    assert.deepEqual(weights, expected);
  }).timeout(60000);
});
