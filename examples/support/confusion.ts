import type { NdArray } from 'lanewise';

/** Rows: the true class; columns: the predicted one. */
export function confusionTable(labels: ArrayLike<number>, scores: NdArray): string {
  const classes = scores.shape[1]!;
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    const row = scores.data.subarray(i * classes, (i + 1) * classes);
    counts[labels[i]!]![row.indexOf(Math.max(...row))]!++;
  }
  const line = (head: string, cells: readonly (number | string)[]): string =>
    head.padStart(6) + cells.map((cell) => String(cell).padStart(6)).join('');
  return [line('', [...counts.keys()]), ...counts.map((row, label) => line(String(label), row))].join('\n');
}
