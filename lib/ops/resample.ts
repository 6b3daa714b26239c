/** Images of other sizes: every output row and column is a weighted sum of input rows and columns, so each is a product with a matrix. */
import { constant } from '../graph/source.js';
import type { Tensor } from '../graph/tensor.js';
import { broadcastTo } from './broadcast.js';
import { cast } from './elementwise.js';
import { matmul } from './matmul.js';
import { reshape } from './shape.js';

/** What one output element takes of the input: pairs of index and weight. */
export type Taps = readonly (readonly [index: number, weight: number])[];

/** y[n, i, j, c] = Σ rows[i][h] · columns[j][w] · x[n, h, w, c] of x [N, H, W, C]. */
export function resample(x: Tensor, rows: readonly Taps[], columns: readonly Taps[]): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const [oh, ow] = [rows.length, columns.length];
  const down = sumsAlong(cast(x, 'float32'), [n, h, w * c], rows);
  return reshape(sumsAlong(down, [n * oh, w, c], columns), [n, oh, ow, c]);
}

/** Along the middle dimension of x, taken as `shape`. */
function sumsAlong(x: Tensor, [outer, size, inner]: readonly [number, number, number], taps: readonly Taps[]): Tensor {
  if (taps.length === size && taps.every((taps, i) => taps.length === 1 && taps[0]![0] === i)) return reshape(x, [outer, size, inner]);
  const matrix = new Float32Array(taps.length * size);
  taps.forEach((of, i) => of.forEach(([index, weight]) => (matrix[i * size + index]! += weight)));
  return matmul(constant(matrix, [taps.length, size]), reshape(x, [outer, size, inner]));
}

/** Every pixel of x [N, H, W, C] repeated to a block of `down` × `across`. */
export function repeatPixels(x: Tensor, down: number, across: number): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const blocks = broadcastTo(reshape(x, [n, h, 1, w, 1, c]), [n, h, down, w, across, c]);
  return reshape(blocks, [n, h * down, w * across, c]);
}
