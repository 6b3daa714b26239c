/**
 * The digit network of 1989 (16 × 16 pixels, 9,760 parameters), trained as it was then, and what later methods do to its error.
 *
 *   npm run lecun1989 -- [--train-rows 7291] [--test-rows 2007] [--passes N]
 *
 * --passes replaces the number of passes of every step of the ladder.
 */
import { parseArgs } from 'node:util';
import { counts, digits1989 } from './support/digits-1989.js';
import { type Outcome, climb, rungs } from './support/ladder-1989.js';

const { values } = parseArgs({
  options: {
    'train-rows': { type: 'string', default: String(counts.train) },
    'test-rows': { type: 'string', default: String(counts.test) },
    passes: { type: 'string' },
  },
});
const train = await digits1989('train', Number(values['train-rows']));
const test = await digits1989('test', Number(values['test-rows']));

const width = Math.max(...rungs.map(({ title }) => title.length));
console.log(`${''.padEnd(width)}  passes  train error  test error  published`);
const outcomes: Outcome[] = [];
for (const rung of rungs) {
  const passes = values.passes === undefined ? rung.passes : Number(values.passes);
  const outcome = await climb(rung, train, test, passes);
  outcomes.push(outcome);
  const percent = (error: number): string => `${error.toFixed(2)} %`;
  console.log(
    `${rung.title.padEnd(width)}  ${String(passes).padStart(6)}  ${percent(outcome.trainError).padStart(11)}  ` +
      `${percent(outcome.testError).padStart(10)}  ${percent(rung.published).padStart(9)}`,
  );
}

const gap = ({ trainError, testError }: Outcome): string => (testError - trainError).toFixed(2);
console.log(
  `\nOver-fitting, the test error less the training error: ${gap(outcomes[2]!)} points with the better optimizer alone, ` +
    `${gap(outcomes[3]!)} with shifted digits,\n${gap(outcomes[4]!)} with dropout as well. An optimizer fits the digits it is shown; ` +
    'only variation of digits and units makes them stand for others.',
);
