import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cpuInfo, getThreads } from 'lanewise';
import type { LabelledImages } from './images.js';
import { learningCurve } from './learning-curve.js';
import { findMistakes, mistakeSheet } from './mistakes.js';
import { progressBar } from './progress.js';
import { Course, type Recipe } from './recipes.js';

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
  const course = new Course(recipe, train, epochs);
  const bar = progressBar(epochs);
  const begin = performance.now();
  const history = await course.fit({ validation: test, onProgress: bar.onProgress, callbacks: [bar] });
  const seconds = (performance.now() - begin) / 1000;

  const mistakes = findMistakes(test.y.data, await course.model.predict(test.x));
  const share = 1 - mistakes.length / test.y.size;
  await mkdir(dirname(out), { recursive: true });
  await writeFile(`${out}-curve.svg`, learningCurve(title, history));
  await writeFile(`${out}-mistakes.svg`, mistakeSheet(`${title}: the worst of ${mistakes.length} mistakes`, test, mistakes, classNames));
  console.log(`\n${course.model.summary().toString()}`);
  console.log(`\ntest accuracy ${(100 * share).toFixed(2)} % after ${epochs} epochs in ${seconds.toFixed(1)} s`);
  console.log(`learning curve: ${out}-curve.svg; worst mistakes: ${out}-mistakes.svg`);
}
