import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type NdArray, array, readIdx } from 'lanewise';
import { Misuse } from './misuse.js';

/** Images [N, 28, 28, 1] as bytes, and the class of each [N]. */
export interface LabelledImages {
  readonly x: NdArray;
  readonly y: NdArray;
}

export type Split = 'train' | 'test';

/** The four files of MNIST, or of a set in its format: images and labels of each of the two sets. */
export const idxFiles = {
  train: ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'],
  test: ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
} as const;

/** The path of one of the files, as it is or gzipped; undefined if it is not there. */
export function idxPath(folder: string, name: string): string | undefined {
  return [name, `${name}.gz`].map((file) => join(folder, file)).find(existsSync);
}

/** The first rows of one of the two sets in a folder with the four files. @throws Misuse if it has fewer */
export async function readImages(folder: string, split: Split, rows: number): Promise<LabelledImages> {
  const [images, labels] = await Promise.all(idxFiles[split].map((name) => readIdx(idxPath(folder, name) ?? join(folder, name))));
  if (rows > labels!.size) throw new Misuse(`expected at most the ${labels!.size} ${split} images in ${folder}, got ${rows} to read.`);
  const { data, shape } = images!.rows(0, rows);
  return { x: array(data, [...shape, 1]), y: array(Int32Array.from(labels!.rows(0, rows).data)) };
}

/** The same images with left and right exchanged. x [N, H, W, C] */
export function mirrored(x: NdArray): NdArray {
  const [, , width, channels] = x.shape as [number, number, number, number];
  const data = x.data.slice();
  for (let i = 0; i < data.length; i++) {
    const column = Math.floor(i / channels) % width;
    data[i + (width - 1 - 2 * column) * channels] = x.data[i]!;
  }
  return array(data, x.shape);
}
