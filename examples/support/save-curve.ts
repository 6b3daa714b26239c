import { writeFile } from 'node:fs/promises';
import type { History } from 'lanewise';
import { learningCurve } from './learning-curve.js';

/** Writes the learning curve of a fit as `${out}-curve.svg`, and gives the file's name. */
export async function saveCurve(out: string, title: string, history: History): Promise<string> {
  const file = `${out}-curve.svg`;
  await writeFile(file, learningCurve(title, history));
  return file;
}
