/** Statistics of columns in plain JavaScript. */
import type { ColumnMoments, ColumnProducts } from '../../lib/compile/instructions/index.js';
import { type Bound, type Context, get, set } from './kernels.js';

/** Calls visit(result's element, elements of the column from first to last). */
function eachColumn(a: { outer: number; rows: number; columns: number }, visit: (out: number, at: readonly number[]) => void): void {
  for (let out = 0; out < a.outer * a.columns; out++) {
    const first = Math.floor(out / a.columns) * a.rows * a.columns + (out % a.columns);
    visit(
      out,
      Array.from({ length: a.rows }, (_, r) => first + r * a.columns),
    );
  }
}

export function columnMoments(a: Bound<ColumnMoments>, { round }: Context): void {
  eachColumn(a, (out, at) => {
    const mean = round(at.reduce((sum, i) => sum + get(a.in, i), 0) / a.rows);
    set(a.outMean, out, mean);
    set(a.outVariance, out, round(at.reduce((sum, i) => sum + (get(a.in, i) - mean) ** 2, 0) / a.rows));
  });
}

export function columnProducts(a: Bound<ColumnProducts>, { round }: Context): void {
  eachColumn(a, (out, at) => {
    const mean = get(a.mean, out);
    set(a.outSum, out, round(at.reduce((sum, i) => sum + get(a.dy, i), 0)));
    set(a.outProduct, out, round(at.reduce((sum, i) => sum + get(a.dy, i) * (get(a.x, i) - mean), 0)));
  });
}
