/** Pooling in plain JavaScript: one walk over the taps of all windows. */
import type { AvgPool, AvgPoolBackward, MaxPool, MaxPoolBackward, PoolShape } from '../../lib/compile/instructions/index.js';
import { type Bound, type Cells, type Context, get, set } from './kernels.js';

/** An element of x (undefined: padding), one of y and the position in the window where they meet. */
type Visit = (x: number | undefined, y: number, tap: number) => void;

/** Every tap of every window, those of one window in order. */
function taps(s: PoolShape, visit: Visit): void {
  for (let y = 0; y < s.n * s.oh * s.ow * s.c; y++) {
    const c = y % s.c;
    const j = Math.floor(y / s.c) % s.ow;
    const i = Math.floor(y / (s.c * s.ow)) % s.oh;
    const n = Math.floor(y / (s.c * s.ow * s.oh));
    for (let tap = 0; tap < s.kh * s.kw; tap++) {
      const row = i * s.strideH - s.padTop + Math.floor(tap / s.kw);
      const column = j * s.strideW - s.padLeft + (tap % s.kw);
      if (row >= s.h + s.padTop || column >= s.w + s.padLeft) continue;
      const inside = row >= 0 && row < s.h && column >= 0 && column < s.w;
      visit(inside ? ((n * s.h + row) * s.w + column) * s.c + c : undefined, y, tap);
    }
  }
}

const inputs = (s: PoolShape): number => s.n * s.h * s.w * s.c;
const outputs = (s: PoolShape): number => s.n * s.oh * s.ow * s.c;

function clear(cells: Cells, size: number): void {
  for (let i = 0; i < size; i++) set(cells, i, 0);
}

export function maxPool(a: Bound<MaxPool>): void {
  for (let y = 0; y < outputs(a.shape); y++) {
    set(a.out, y, -Infinity);
    set(a.outIndex, y, -1);
  }
  taps(a.shape, (x, y, tap) => {
    if (x === undefined) return;
    const best = get(a.out, y);
    if (get(a.outIndex, y) >= 0 && (Number.isNaN(best) || get(a.in, x) <= best)) return;
    set(a.out, y, get(a.in, x));
    set(a.outIndex, y, tap);
  });
}

export function maxPoolBackward(a: Bound<MaxPoolBackward>, { round }: Context): void {
  clear(a.out, inputs(a.shape));
  taps(a.shape, (x, y, tap) => {
    if (x !== undefined && get(a.index, y) === tap) set(a.out, x, round(get(a.out, x) + get(a.dy, y)));
  });
}

/** What the sum of each window is divided by. */
function counts(shape: PoolShape, countPadding: boolean): Float64Array {
  const result = new Float64Array(outputs(shape));
  taps(shape, (x, y) => (result[y]! += Number(countPadding || x !== undefined)));
  return result;
}

export function avgPool(a: Bound<AvgPool>, { round }: Context): void {
  clear(a.out, outputs(a.shape));
  taps(a.shape, (x, y) => {
    if (x !== undefined) set(a.out, y, round(get(a.out, y) + get(a.in, x)));
  });
  counts(a.shape, a.countPadding).forEach((count, y) => set(a.out, y, round(get(a.out, y) / Math.max(count, 1))));
}

export function avgPoolBackward(a: Bound<AvgPoolBackward>, { round }: Context): void {
  clear(a.out, inputs(a.shape));
  const divisors = counts(a.shape, a.countPadding);
  taps(a.shape, (x, y) => {
    if (x !== undefined) set(a.out, x, round(get(a.out, x) + round(get(a.dy, y) / divisors[y]!)));
  });
}
