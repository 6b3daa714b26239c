import { Course, type Recipe } from '../../examples/support/recipes.js';
import { type LabelledImages, mirrored } from '../../examples/support/images.js';
import type { Finding } from '../finding.js';

export interface Target {
  /** Least share of the test images that must get their class. */
  readonly accuracy: number;
  readonly parameters?: number;
  readonly minutes?: number;
}

/** Share of the images that get their class by the sum of the scores of the image and of its mirror image. */
async function mirroredAccuracy({ trainer }: Course, { x, y }: LabelledImages): Promise<number> {
  const scores = await trainer.predict(x);
  const other = await trainer.predict(mirrored(x));
  const classes = scores.shape[1]!;
  let right = 0;
  for (let row = 0; row < y.size; row++) {
    const sums = Array.from({ length: classes }, (_, i) => scores.data[row * classes + i]! + other.data[row * classes + i]!);
    if (sums.indexOf(Math.max(...sums)) === y.data[row]) right++;
  }
  return right / y.size;
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
  const both = await mirroredAccuracy(course, test);
  const count = course.model.summary().parameters;
  return [
    {
      what: `test accuracy after ${course.epochs} epochs`,
      value: `${(100 * share).toFixed(2)} %`,
      target: `≥ ${(100 * accuracy).toFixed(2)} %`,
      met: share >= accuracy,
    },
    {
      what: 'the same by the sum of the scores of each image and its mirror image',
      value: `${(100 * both).toFixed(2)} %`,
      target: '–',
      met: true,
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
