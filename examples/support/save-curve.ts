import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { History } from 'lanewise';
import { learningCurve } from './learning-curve.js';

/** Writes the learning curve of a fit as `${out}-curve.svg`, making the folder, and gives the file's name. */
export async function saveCurve(out: string, title: string, history: History): Promise<string> {
  const file = `${out}-curve.svg`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, learningCurve(title, history));
  return file;
}
