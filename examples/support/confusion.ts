import type { NdArray } from 'lanewise';

/** Counts [C, C] as text. Rows: the true class; columns: the predicted one. */
export function confusionTable({ data, shape: [classes = 0] }: NdArray<Int32Array>): string {
  const line = (head: string, cells: ArrayLike<number | string>): string =>
    head.padStart(6) + Array.from(cells, (cell) => String(cell).padStart(6)).join('');
  const names = Array.from({ length: classes }, (_, i) => String(i));
  return [line('', names), ...names.map((name, i) => line(name, data.subarray(i * classes, (i + 1) * classes)))].join('\n');
}
