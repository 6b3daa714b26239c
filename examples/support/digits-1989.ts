import { type NdArray, Philox, array, takeRows } from 'lanewise';
import type { LabelledImages, Split } from './images.js';
import { counts as available, mnist } from './mnist.js';

/** As many digits as the network of 1989 was trained and tested with. */
export const counts = { train: 7291, test: 2007 } as const;
const size = 16;

/** How many of MNIST's digits, chosen at random, or which. */
type Choice = number | Int32Array;

/** Digits of MNIST at 16 × 16 pixels, a stand-in for the data of 1989: x [N, 16, 16, 1] in 0 … 255. */
export async function digits1989(split: Split, choice: Choice = counts[split]): Promise<LabelledImages> {
  const { x, y } = await mnist(split, available[split]);
  const ids = typeof choice === 'number' ? randomIds(split, y.size).subarray(0, choice) : choice;
  return { x: resize(takeRows(x, ids)), y: takeRows(y, ids) };
}

function randomIds(split: Split, count: number): Int32Array {
  return new Philox(1989, split === 'train' ? 0 : 1).permutation(count);
}

/** Bilinear between the four nearest pixels, the edges of old and new images aligned. */
function resize({ data, shape }: NdArray): NdArray<Float32Array> {
  const [n, h, w] = shape as [number, number, number];
  const rows = positions(h);
  const columns = positions(w);
  const out = new Float32Array(n * size * size);
  let at = 0;
  for (let image = 0; image < n; image++) {
    const pixel = (row: number, column: number): number => data[(image * h + row) * w + column]!;
    for (const [top, bottom, down] of rows) {
      for (const [left, right, across] of columns) {
        const above = (1 - across) * pixel(top, left) + across * pixel(top, right);
        const below = (1 - across) * pixel(bottom, left) + across * pixel(bottom, right);
        out[at++] = (1 - down) * above + down * below;
      }
    }
  }
  return array(out, [n, size, size, 1]);
}

/** For each new pixel its two old neighbours and how far it is from the first. */
function positions(length: number): (readonly [before: number, after: number, share: number])[] {
  return Array.from({ length: size }, (_, i) => {
    const position = Math.max(0, ((i + 0.5) * length) / size - 0.5);
    const before = Math.floor(position);
    return [before, Math.min(before + 1, length - 1), position - before];
  });
}
