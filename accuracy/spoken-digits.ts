/**
 * Spoken digits of six speakers, the official test recordings 0 … 4 of each speaker and digit: at least 96 %. The folder of WAV files is
 * named by the environment variable SPOKEN_DIGITS.
 */
import { spokenDigitCourse, spokenDigits } from '../examples/support/spoken-digits.js';
import type { Finding } from './finding.js';
import { pathIn, recordings } from './support/path-in.js';

const target = 0.96;

export async function run(): Promise<readonly Finding[]> {
  const course = spokenDigitCourse(await spokenDigits(pathIn('SPOKEN_DIGITS', recordings)));
  const begin = performance.now();
  const { last } = await course.fit();
  const seconds = (performance.now() - begin) / 1000;
  const share = last!.metrics.valAccuracy!;
  return [
    {
      what: `test accuracy after ${course.epochs} epochs`,
      value: `${(100 * share).toFixed(2)} % (${seconds.toFixed(0)} s)`,
      target: `≥ ${(100 * target).toFixed(0)} %`,
      met: share >= target,
    },
  ];
}
