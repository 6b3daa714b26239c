/** Images, augmentations run on them, and the plain sums they are compared with. */
import { type Augmentation, type NdArray, Philox, type Tensor, array } from '../../lib/index.js';
import { compile } from '../../lib/compile/compile.js';
import { augmented } from '../../lib/data/augment/pipeline.js';
import { randomUniform } from '../../lib/ops/random.js';

export const seed = 0x1234_5678_9abcn;

/** Uniform numbers in [0, 1), or bytes. */
export function images(shape: readonly number[], dtype: 'float32' | 'uint8' = 'float32'): NdArray {
  const u = new Philox(5).uniform(shape.reduce((a, b) => a * b, 1));
  return array(dtype === 'uint8' ? Uint8Array.from(u, (v) => v * 256) : u, shape);
}

/** What the augmentations make of a batch in each of the first steps. */
export function augment(augmentations: readonly Augmentation[], x: NdArray, y: NdArray, steps = 1): readonly { x: NdArray; y: NdArray }[] {
  const run = compile((u: Tensor, v: Tensor) => {
    const result = augmented({ x: u, y: v }, augmentations, seed);
    return [result.x, result.y] as const;
  });
  return Array.from({ length: steps }, () => {
    const [ax, ay] = run.sync(x, y);
    return { x: ax, y: ay };
  });
}

/** The numbers that draw `index` of a list of augmentations gives in step 0. */
export function draw(shape: readonly number[], index = 0): Float32Array {
  return compile(() => randomUniform(shape, seed, 0x4000_0000 + index)).sync().data as Float32Array;
}

/** An image's pixel; 0 outside. */
export function pixel({ data, shape }: NdArray, n: number, i: number, j: number, k: number): number {
  const [, h, w, c] = shape as [number, number, number, number];
  return i < 0 || i >= h || j < 0 || j >= w ? 0 : data[((n * h + i) * w + j) * c + k]!;
}

/** y[n, i, j, k] for every element of a batch of images. */
export function each(shape: readonly number[], value: (n: number, i: number, j: number, k: number) => number): Float64Array {
  const [n, h, w, c] = shape as [number, number, number, number];
  return Float64Array.from({ length: n * h * w * c }, (_, at) =>
    value(Math.floor(at / (h * w * c)), Math.floor(at / (w * c)) % h, Math.floor(at / c) % w, at % c),
  );
}

/** Between the four pixels around (y, x), in double precision. */
export function bilinear(x: NdArray, n: number, row: number, column: number, k: number): number {
  const [i, j] = [Math.floor(row), Math.floor(column)];
  const [down, right] = [row - i, column - j];
  const line = (at: number): number => pixel(x, n, at, j, k) * (1 - right) + pixel(x, n, at, j + 1, k) * right;
  return line(i) * (1 - down) + line(i + 1) * down;
}
