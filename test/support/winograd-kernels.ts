/** Convolution by F(2×2, 3×3) in plain JavaScript: the matrices of Lavin and Gray written out. */
import type { WinogradBackwardWeights, WinogradConv, WinogradGradient, WinogradShape, WinogradWeights } from '../../lib/compile/instruction.js'; // prettier-ignore
import { type Bound, type Cells, type Context, elementwise, get, set } from './kernels.js';

type Matrix = readonly (readonly number[])[];
const [a, b, g]: Matrix[] = [
  [[1, 0], [1, 1], [1, -1], [0, -1]],
  [[1, 0, 0, 0], [0, 1, -1, 1], [-1, 1, 1, 0], [0, 0, 0, -1]],
  [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]],
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
  for (let n = 0; n < s.n; n++) for (let i = 0; i < s.oh; i += 2) for (let j = 0; j < s.ow; j += 2) visit(t++, n, i, j);
  return t;
}

export function winogradWeights({ out, w, c: inputs, oc, turn }: Bound<WinogradWeights>, { round }: Context): void {
  for (let c = 0; c < inputs; c++)
    for (let o = 0; o < oc; o++) {
      const kernel = square(3, (i, j) => get(w, ((turn ? 8 - (3 * i + j) : 3 * i + j) * inputs + c) * oc + o));
      const place = turn ? o * inputs + c : c * oc + o;
      around(g!, kernel).forEach((row, i) => row.forEach((value, j) => set(out, (4 * i + j) * inputs * oc + place, round(value))));
    }
}

export function winogradConv({ out, x, u, bias, shape: s, activation }: Bound<WinogradConv>, context: Context): void {
  eachTile(s, (_, n, i, j) => {
    const inputs = Array.from({ length: s.c }, (__, c) =>
      around(
        transposed(b!),
        square(4, (p, q) => pixel(x, [n, i - s.padTop + p, j - s.padLeft + q, c], [s.h, s.w, s.c])),
      ),
    );
    for (let o = 0; o < s.oc; o++) {
      const sums = square(4, (p, q) => inputs.reduce((sum, tile, c) => sum + tile[p]![q]! * get(u, ((4 * p + q) * s.c + c) * s.oc + o), 0));
      around(transposed(a!), sums).forEach((row, p) =>
        row.forEach((value, q) => {
          if (i + p >= s.oh || j + q >= s.ow) return;
          const sum = context.round(bias === undefined ? value : value + get(bias, o));
          const result = activation === 'none' ? sum : context.round(elementwise(activation, [sum], context));
          set(out, ((n * s.oh + i + p) * s.ow + j + q) * s.oc + o, result);
        }),
      );
    }
  });
}

export function winogradBackwardWeights({ out, x, dy, shape: s, parts }: Bound<WinogradBackwardWeights>, { round }: Context): void {
  const size = 16 * s.c * s.oc;
  for (let e = 0; e < parts * size; e++) set(out, e, 0);
  const share = Math.ceil(eachTile(s, () => undefined) / parts);
  eachTile(s, (t, n, i, j) => {
    const part = Math.floor(t / share);
    const gradients = Array.from({ length: s.oc }, (_, o) =>
      around(
        a!,
        square(2, (p, q) => pixel(dy, [n, i + p, j + q, o], [s.oh, s.ow, s.oc])),
      ),
    );
    for (let c = 0; c < s.c; c++) {
      const tile = around(
        transposed(b!),
        square(4, (p, q) => pixel(x, [n, i - s.padTop + p, j - s.padLeft + q, c], [s.h, s.w, s.c])),
      );
      for (let p = 0; p < 16; p++)
        for (let o = 0; o < s.oc; o++) {
          const place = part * size + (p * s.c + c) * s.oc + o;
          set(out, place, round(get(out, place) + tile[p >> 2]![p & 3]! * gradients[o]![p >> 2]![p & 3]!));
        }
    }
  });
}

export function winogradGradient({ out, sums, c, oc, parts }: Bound<WinogradGradient>, { round }: Context): void {
  const size = c * oc;
  for (let e = 0; e < size; e++) {
    const total = square(4, (i, j) =>
      Array.from({ length: parts }, (_, part) => get(sums, (part * 16 + 4 * i + j) * size + e)).reduce((sum, value) => sum + value, 0),
    );
    around(transposed(g!), total).forEach((row, i) => row.forEach((value, j) => set(out, (3 * i + j) * size + e, round(value))));
  }
}
