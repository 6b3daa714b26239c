import { NdArray } from '../array.js';
import { rowMajorStrides } from '../graph/shape.js';

/** The array with its dimensions in another order: dimension i is its dimension axes[i]. */
export function permuted({ data, shape }: NdArray, axes: readonly number[]): NdArray<Float32Array> {
  const strides = rowMajorStrides(shape);
  const values = new Float32Array(data.length);
  let end = 0;
  const walk = (depth: number, from: number): void => {
    const axis = axes[depth];
    if (axis === undefined) values[end++] = data[from]!;
    else for (let i = 0; i < shape[axis]!; i++) walk(depth + 1, from + i * strides[axis]!);
  };
  walk(0, 0);
  return new NdArray(
    values,
    axes.map((axis) => shape[axis]!),
  );
}
