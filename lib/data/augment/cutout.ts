import { constant, iota } from '../../graph/source.js';
import { type Operand, floor, greaterEqual, less, mul, sub, where } from '../../ops/elementwise.js';
import { reshape } from '../../ops/shape.js';
import { check, count } from '../../options.js';
import { type Augmentation, floats, imageShape } from './augmentation.js';
import { drawn } from './draw.js';

/**
 * Blanks a square of each image. Its middle is any pixel, equally likely, so that it may reach over the edge.
 *
 * y[i, j] = top ≤ i < top + size and left ≤ j < left + size ? 0 : x[i, j].   x [N, H, W, C] → [N, H, W, C]
 *
 * 0 is the mean where normalize() stands before it, black where it does not.
 *
 * @param size edge of the square in pixels
 * @throws OptionError unless size is a whole number ≥ 1
 * @see DeVries and Taylor 2017, https://arxiv.org/abs/1708.04552
 */
export function cutout(size: number): Augmentation {
  check('cutout', 'size', size, count);
  const inside = (places: Operand, first: Operand): Operand => mul(greaterEqual(places, first), less(sub(places, size), first));
  return {
    name: 'cutout',
    forward: ({ x, y }, scope) => {
      const { n, h, w, c } = imageShape('cutout', x);
      const [v, u] = drawn(scope, n, 2);
      const top = reshape(sub(floor(mul(v!, h)), Math.floor(size / 2)), [n, 1, 1]);
      const left = reshape(sub(floor(mul(u!, w)), Math.floor(size / 2)), [n, 1, 1]);
      const rows = reshape(iota(h), [1, h, 1]);
      // Columns and channels as one dimension: a long row for the map to run along.
      const columns = constant(Float32Array.from({ length: w * c }, (_, i) => Math.floor(i / c)));
      const blank = mul(inside(rows, top), inside(columns, left));
      return { x: reshape(where(blank, 0, reshape(floats(x), [n, h, w * c])), x.shape), y };
    },
  };
}
