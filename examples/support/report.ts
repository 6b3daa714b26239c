import { writeFile } from 'node:fs/promises';
import { cpuInfo, getThreads } from 'lanewise';
import { useOutput } from './flags.js';
import type { LabelledImages } from './images.js';
import { findMistakes, mistakeSheet } from './mistakes.js';
import { ProgressBar } from './progress.js';
import { Course, type Recipe } from './recipes.js';
import { saveCurve } from './save-curve.js';

export interface Job {
  readonly title: string;
  readonly recipe: Recipe;
  readonly train: LabelledImages;
  readonly test: LabelledImages;
  readonly epochs: number;
  readonly classNames: readonly string[];
  /** Beginning of the paths of the two pictures. */
  readonly out: string;
}

/** Trains with a progress bar; then prints the test accuracy and draws the learning curve and the worst mistakes. */
export async function trainAndReport({ title, recipe, train, test, epochs, classNames, out }: Job): Promise<void> {
  console.log(`${train.y.size} training and ${test.y.size} test images; ${cpuInfo().isa}, ${getThreads()} threads`);
  await useOutput(out);
  const course = new Course(recipe, train, epochs);
  const bar = new ProgressBar();
  const begin = performance.now();
  const history = await course.fit({ validation: test, onProgress: bar.onProgress, callbacks: [bar] });
  const seconds = (performance.now() - begin) / 1000;

  const mistakes = findMistakes(test.y.data, await course.model.predict(test.x));
  const share = 1 - mistakes.length / test.y.size;
  const curve = await saveCurve(out, title, history);
  await writeFile(`${out}-mistakes.svg`, mistakeSheet(`${title}: the worst of ${mistakes.length} mistakes`, test, mistakes, classNames));
  console.log(`\n${course.model.summary().toString()}`);
  console.log(`\ntest accuracy ${(100 * share).toFixed(2)} % after ${epochs} epochs in ${seconds.toFixed(1)} s`);
  console.log(`learning curve: ${curve}; worst mistakes: ${out}-mistakes.svg`);
}
