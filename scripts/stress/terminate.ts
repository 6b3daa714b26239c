/**
 * Terminates workers in the middle of their fits, again and again: it must end without a crash, and memory must not grow.
 *
 *   npm run stress                  20 rounds of 60 terminations
 *   npm run stress -- 2 8           2 rounds of 8
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { growthOf, mostGrowth } from './growth.js';
import { workerSource } from '../../test/support/scripts.js';

const [rounds = 20, terminations = 60] = process.argv.slice(2).map(Number);
const atOnce = 4;
const source = workerSource('test/support/endless-fit');

const megabytes: number[] = [];
for (let round = 0; round < rounds; round++) {
  for (let done = 0; done < terminations; done += atOnce) {
    const workers = Array.from({ length: atOnce }, () => new Worker(source, { eval: true }));
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  megabytes.push(process.memoryUsage().rss / 1e6);
  console.log(`round ${round + 1}: ${terminations} terminations, ${megabytes.at(-1)!.toFixed(0)} MB resident`);
}
const growth = growthOf(megabytes);
console.log(`${rounds * terminations} terminations, resident memory grew by ${growth.toFixed(0)} MB once warm, of at most ${mostGrowth}`);
if (!(growth <= mostGrowth)) process.exitCode = 1; // also of no rounds
