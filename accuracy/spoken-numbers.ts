/**
 * Numbers of one to six spoken digits, written down by CTC: of the digits of 300 numbers made of the official test recordings at most 3 % wrong,
 * missing or too many. The folder of WAV files is named by the environment variable SPOKEN_DIGITS.
 */
import { spokenDigits } from '../examples/support/spoken-digits.js';
import { SpokenNumberCourse } from '../examples/support/spoken-numbers.js';
import type { Finding } from './finding.js';
import { pathIn, recordings } from './support/path-in.js';

const target = 0.03;

export async function run(): Promise<readonly Finding[]> {
  const course = new SpokenNumberCourse(await spokenDigits(pathIn('SPOKEN_DIGITS', recordings)), 15);
  const begin = performance.now();
  await course.fit();
  const seconds = (performance.now() - begin) / 1000;
  const share = await course.errorRate();
  return [
    {
      what: `digits of ${course.test.length} numbers that are wrong, missing or too many, after ${course.epochs} epochs`,
      value: `${(100 * share).toFixed(2)} % (${seconds.toFixed(0)} s)`,
      target: `≤ ${(100 * target).toFixed(0)} %`,
      met: share <= target,
    },
  ];
}
