/**
 * The digit network of 1989 (16 × 16 pixels, 9,760 parameters), trained as it was then, and what later methods do to its error.
 *
 *   npm run lecun1989 -- [--train-rows 7291] [--test-rows 2007] [--passes N]
 *
 * --passes replaces the number of passes of every step of the ladder.
 */
import { parseArgs } from 'node:util';
import { counts, digits1989 } from './support/digits-1989.js';
import { climb, errorOf, rungs } from './support/ladder-1989.js';

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
/** Test error less training error, in points. */
const gaps: string[] = [];
for (const rung of rungs) {
  const passes = values.passes === undefined ? rung.passes : Number(values.passes);
  const model = await climb(rung, train, { passes });
  const trainError = await errorOf(model, train);
  const testError = await errorOf(model, test);
  gaps.push((testError - trainError).toFixed(2));
  const percent = (error: number): string => `${error.toFixed(2)} %`;
  console.log(
    `${rung.title.padEnd(width)}  ${String(passes).padStart(6)}  ${percent(trainError).padStart(11)}  ` +
      `${percent(testError).padStart(10)}  ${percent(rung.published).padStart(9)}`,
  );
}

console.log(
  `\nOver-fitting, the test error less the training error: ${gaps[2]!} points with the better optimizer alone, ` +
    `${gaps[3]!} with shifted digits,\n${gaps[4]!} with dropout as well. An optimizer fits the digits it is shown; ` +
    'only variation of digits and units makes them stand for others.',
);
