/** The digit network of 1989 (16 × 16 pixels, 9,760 parameters), trained as it was then, and what later methods do to its error. */
import { counts, digits1989 } from './support/digits-1989.js';
import { flags, wholeNumber } from './support/flags.js';
import { climb, errorOf, rungs } from './support/ladder-1989.js';
import { counts as available } from './support/mnist.js';

const values = flags('npm run lecun1989: the digit network of 1989, and what later methods do to its error', {
  'train-rows': [String(counts.train), 'digits to train on'],
  'test-rows': [String(counts.test), 'digits to test with'],
  passes: ['', 'times all digits are gone through at every step of the ladder, where not as often as each is meant for'],
});
const passesOfAll = values.passes === '' ? undefined : wholeNumber('passes', values.passes);
const train = await digits1989('train', wholeNumber('train-rows', values['train-rows'], available.train));
const test = await digits1989('test', wholeNumber('test-rows', values['test-rows'], available.test));

const width = Math.max(...rungs.map(({ title }) => title.length));
console.log(`${''.padEnd(width)}  passes  train error  test error  published`);
/** Test error less training error, in points. */
const gaps: string[] = [];
for (const rung of rungs) {
  const passes = passesOfAll ?? rung.passes;
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
