import { Course, type Recipe } from '../../examples/support/recipes.js';
import type { LabelledImages } from '../../examples/support/images.js';
import type { Finding } from '../finding.js';

export interface Target {
  /** Least share of the test images that must get their class. */
  readonly accuracy: number;
  readonly parameters?: number;
  readonly minutes?: number;
}

/** Trains by a recipe on all training images, looks at the test images once, and compares with the target. */
export async function findingsOf(
  recipe: Recipe,
  train: LabelledImages,
  test: LabelledImages,
  { accuracy, parameters, minutes }: Target,
): Promise<readonly Finding[]> {
  const course = new Course(recipe, train);
  const begin = performance.now();
  const cpuBegin = process.cpuUsage();
  await course.fit();
  const seconds = (performance.now() - begin) / 1000;
  const cpu = process.cpuUsage(cpuBegin);
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  const share = await course.accuracy(test);
  const count = course.model.summary().parameters;
  return [
    {
      what: `test accuracy after ${course.epochs} epochs`,
      value: `${(100 * share).toFixed(2)} %`,
      target: `≥ ${(100 * accuracy).toFixed(2)} %`,
      met: share >= accuracy,
    },
    {
      what: 'parameters',
      value: count.toLocaleString('en'),
      target: parameters === undefined ? '–' : `< ${parameters.toLocaleString('en')}`,
      met: parameters === undefined || count < parameters,
    },
    {
      what: 'time',
      value: `${(seconds / 60).toFixed(1)} min (${(seconds / course.epochs).toFixed(1)} s an epoch); ${(cpuSeconds / 60).toFixed(1)} min of processors' time`,
      target: minutes === undefined ? '–' : `≤ ${minutes} min`,
      met: minutes === undefined || seconds <= 60 * minutes,
    },
  ];
}
