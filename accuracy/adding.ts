/** The adding problem of 200 steps: an LSTM and a GRU reach an error of 0.01, a plain recurrent network stays near that of guessing. */
import { type Cell, cells, guessError, learnAdding } from '../examples/support/adding.js';
import type { Finding } from './finding.js';

const options = { length: 200, steps: 8000, goal: 0.005 };
/** Of the error of guessing: what the plain network must not get below. */
const guessing = 0.9;

export async function run(): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const cell of cells) {
    const begin = performance.now();
    const { error, steps } = await learnAdding(cell, options);
    const seconds = (performance.now() - begin) / 1000;
    findings.push({
      what: `mean squared error of ${nameOf(cell)} after ${steps} steps`,
      value: `${error.toFixed(4)} (${seconds.toFixed(0)} s)`,
      target: cell === 'rnn' ? `near ${guessError.toFixed(3)}` : '≤ 0.01',
      met: cell === 'rnn' ? error >= guessing * guessError : error <= 0.01,
    });
  }
  return findings;
}

function nameOf(cell: Cell): string {
  switch (cell) {
    case 'rnn':
      return 'the plain network';
    case 'lstm':
      return 'the LSTM';
    case 'gru':
      return 'the GRU';
    default:
      return cell satisfies never;
  }
}
