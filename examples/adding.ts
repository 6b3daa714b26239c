/** The adding problem: what an LSTM and a GRU can remember over hundreds of steps, and a plain recurrent network cannot. */
import { Callback, type EpochRecord } from 'lanewise';
import { cells, guessError, learnAdding } from './support/adding.js';
import { flags, numberIn, useThreads, wholeNumber } from './support/flags.js';

const values = flags('npm run adding: add the two marked numbers of a sequence', {
  length: ['200', 'numbers in a sequence'],
  steps: ['6000', 'most training steps, each on 64 new sequences'],
  goal: ['0.005', 'mean squared error at which training ends'],
  threads: ['', 'threads to compute on'],
});
useThreads(values.threads);
const length = wholeNumber('length', values.length, Infinity, 2);
const steps = wholeNumber('steps', values.steps);
const goal = numberIn('goal', values.goal, 0, 1);

/** A line for every thousand steps. */
class Report extends Callback {
  override onEpoch({ epoch, metrics }: EpochRecord): void {
    if (epoch % 10 === 0) console.log(`  after ${100 * epoch} steps: ${metrics.valLoss!.toFixed(4)}`);
  }
}

console.log(`sequences of ${length} numbers; always answering 1 has a mean squared error of ${guessError.toFixed(4)}`);
for (const cell of cells) {
  const begin = performance.now();
  const result = await learnAdding(cell, { length, steps, goal }, [new Report()]);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${cell.padEnd(4)}  mean squared error ${result.error.toFixed(4)} after ${result.steps} steps in ${seconds} s`);
}
