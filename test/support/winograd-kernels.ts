/** Convolution by F(4×4, 3×3) in plain JavaScript: its matrices for the points 0, ±√½, ±√2 and ∞. */
import type { WinogradBackwardWeights, WinogradConv, WinogradGradient, WinogradShape, WinogradWeights } from '../../lib/compile/instructions/index.js'; // prettier-ignore
import { type Bound, type Cells, type Context, elementwise, get, set } from './kernels.js';

type Matrix = readonly (readonly number[])[];
const p = Math.SQRT1_2;
const q = Math.SQRT2;
const [a, b, g]: Matrix[] = [
  [[1, 0, 0, 0], [1, p, 1 / 2, p / 2], [1, -p, 1 / 2, -p / 2], [1, q, 2, 2 * q], [1, -q, 2, -2 * q], [0, 0, 0, 1]],
  [[1, 0, 0, 0, 0, 0], [0, -q, q, -p, p, 1], [-2.5, -2, -2, -1 / 2, -1 / 2, 0], [0, p, -p, q, -q, -2.5], [1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1]],
  [[1, 0, 0], [-2 / 3, -2 / 3 * p, -1 / 3], [-2 / 3, 2 / 3 * p, -1 / 3], [1 / 6, q / 6, 1 / 3], [1 / 6, -q / 6, 1 / 3], [0, 0, 1]],
] as [Matrix, Matrix, Matrix]; // prettier-ignore

function product(x: Matrix, y: Matrix): Matrix {
  return x.map((row) => y[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * y[k]![j]!, 0)));
}
function transposed(x: Matrix): Matrix {
  return x[0]!.map((_, j) => x.map((row) => row[j]!));
}
/** m x mᵀ */
function around(m: Matrix, x: Matrix): Matrix {
  return product(product(m, x), transposed(m));
}
function square(size: number, at: (i: number, j: number) => number): Matrix {
  return Array.from({ length: size }, (_, i) => Array.from({ length: size }, (__, j) => at(i, j)));
}

/** A pixel's value, 0 outside. */
function pixel(cells: Cells, [n, i, j, c]: readonly number[], [h, w, channels]: readonly [number, number, number]): number {
  return i! < 0 || i! >= h || j! < 0 || j! >= w ? 0 : get(cells, ((n! * h + i!) * w + j!) * channels + c!);
}

function eachTile(s: WinogradShape, visit: (t: number, n: number, i: number, j: number) => void): number {
  let t = 0;
  for (let n = 0; n < s.n; n++) for (let i = 0; i < s.oh; i += 4) for (let j = 0; j < s.ow; j += 4) visit(t++, n, i, j);
  return t;
}

export function winogradWeights({ out, w, c: inputs, oc, turn }: Bound<WinogradWeights>, { round }: Context): void {
  for (let c = 0; c < inputs; c++)
    for (let o = 0; o < oc; o++) {
      const kernel = square(3, (i, j) => get(w, ((turn ? 8 - (3 * i + j) : 3 * i + j) * inputs + c) * oc + o));
      const place = turn ? o * inputs + c : c * oc + o;
      around(g!, kernel).forEach((row, i) => row.forEach((value, j) => set(out, (6 * i + j) * inputs * oc + place, round(value))));
    }
}

export function winogradConv({ out, x, u, bias, shape: s, activation }: Bound<WinogradConv>, context: Context): void {
  eachTile(s, (_, n, i, j) => {
    const inputs = Array.from({ length: s.c }, (__, c) =>
      around(
        transposed(b!),
        square(6, (p, q) => pixel(x, [n, i - s.padTop + p, j - s.padLeft + q, c], [s.h, s.w, s.c])),
      ),
    );
    for (let o = 0; o < s.oc; o++) {
      const sums = square(6, (p, q) => inputs.reduce((sum, tile, c) => sum + tile[p]![q]! * get(u, ((6 * p + q) * s.c + c) * s.oc + o), 0));
      around(transposed(a!), sums).forEach((row, p) =>
        row.forEach((value, q) => {
          if (i + p >= s.oh || j + q >= s.ow) return;
          const sum = bias === undefined ? context.round(value) : context.round(context.round(value) + get(bias, o));
          const result = activation === 'none' ? sum : context.round(elementwise(activation, [sum], context));
          set(out, ((n * s.oh + i + p) * s.ow + j + q) * s.oc + o, result);
        }),
      );
    }
  });
}

export function winogradBackwardWeights({ out, x, dy, shape: s, parts }: Bound<WinogradBackwardWeights>, { round }: Context): void {
  const size = 36 * s.c * s.oc;
  for (let e = 0; e < parts * size; e++) set(out, e, 0);
  const share = Math.ceil(eachTile(s, () => undefined) / parts);
  eachTile(s, (t, n, i, j) => {
    const part = Math.floor(t / share);
    const gradients = Array.from({ length: s.oc }, (_, o) =>
      around(
        a!,
        square(4, (p, q) => pixel(dy, [n, i + p, j + q, o], [s.oh, s.ow, s.oc])),
      ),
    );
    for (let c = 0; c < s.c; c++) {
      const tile = around(
        transposed(b!),
        square(6, (p, q) => pixel(x, [n, i - s.padTop + p, j - s.padLeft + q, c], [s.h, s.w, s.c])),
      );
      for (let p = 0; p < 36; p++)
        for (let o = 0; o < s.oc; o++) {
          const place = part * size + (p * s.c + c) * s.oc + o;
          set(out, place, round(get(out, place) + tile[Math.floor(p / 6)]![p % 6]! * gradients[o]![Math.floor(p / 6)]![p % 6]!));
        }
    }
  });
}

export function winogradGradient({ out, sums, c, oc, parts }: Bound<WinogradGradient>, { round }: Context): void {
  const size = c * oc;
  for (let e = 0; e < size; e++) {
    const total = square(6, (i, j) =>
      Array.from({ length: parts }, (_, part) => get(sums, (part * 36 + 6 * i + j) * size + e)).reduce((sum, value) => sum + value, 0),
    );
    around(transposed(g!), total).forEach((row, i) => row.forEach((value, j) => set(out, (3 * i + j) * size + e, round(value))));
  }
}
