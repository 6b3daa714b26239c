import { join } from 'node:path';
import { type NdArray, array, readIdx } from 'lanewise';

/** Images [N, 28, 28, 1] as bytes, and the class of each [N]. */
export interface LabelledImages {
  readonly x: NdArray;
  readonly y: NdArray;
}

export type Split = 'train' | 'test';

/** The first rows of one of the two sets in a folder with the four files of MNIST, or of a set in its format. */
export async function readImages(folder: string, split: Split, rows: number, suffix = ''): Promise<LabelledImages> {
  const prefix = split === 'train' ? 'train' : 't10k';
  const images = await readIdx(join(folder, `${prefix}-images-idx3-ubyte${suffix}`));
  const labels = await readIdx(join(folder, `${prefix}-labels-idx1-ubyte${suffix}`));
  const { data, shape } = images.rows(0, rows);
  return { x: array(data, [...shape, 1]), y: array(Int32Array.from(labels.rows(0, rows).data)) };
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
