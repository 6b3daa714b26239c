import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { growthOf, mostGrowth } from '../../scripts/stress/growth.js';
import { nodeProgram, patience, scriptArguments, workerSource } from '../support/scripts.js';

const script = 'test/support/endless-fit';
const start = (): Worker => new Worker(workerSource(script), { eval: true });

describe('worker_threads', () => {
  it('train in several workers at once and are terminated in the middle of a run', async () => {
    for (let round = 0; round < 3; round++) {
      const workers = Array.from({ length: 4 }, start);
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  }).timeout(60000);
});

describe('the process', () => {
  const run = (...args: string[]): string => execFileSync(nodeProgram, scriptArguments(script, ...args), { encoding: 'utf8', timeout: 20000 * patience });

  it('may exit in the middle of a run', () => assert.equal(run('exit'), 'exiting\n')).timeout(30000);
  it('ends by itself after an aborted fit', () => assert.equal(run('abort'), 'aborted\n')).timeout(30000);
});

describe('the growth of memory over rounds', () => {
  const rounds = (first: number, slope: number): number[] => Array.from({ length: 20 }, (_, round) => (round < 5 ? first : 150) + slope * round);
  it('does not count what the first quarter adds', () => assert.equal(growthOf(rounds(50, 0)), 0));
  it('is beyond its bound if each round loses some', () => assert.ok(growthOf(rounds(150, 3)) > mostGrowth));
});
