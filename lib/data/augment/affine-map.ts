/** Affine maps of pixel coordinates with elements that are numbers where they are known and tensors where they are drawn. */
import { constant } from '../../graph/source.js';
import type { Tensor } from '../../graph/tensor.js';
import { type Operand, add, mul, neg, sub, where } from '../../ops/elementwise.js';
import { broadcastTo } from '../../ops/broadcast.js';

/**
 * From a pixel (i, j) of the result to the place (t0·i + t1·j + t2, t3·i + t4·j + t5) in what it is read from. A tensor is [N, 1],
 * one value an image.
 */
export type AffineMap = readonly [t0: Operand, t1: Operand, t2: Operand, t3: Operand, t4: Operand, t5: Operand];

/** First `inner`, then `outer`. */
export function compose(outer: AffineMap, inner: AffineMap): AffineMap {
  const [a, b, c, d, e, f] = outer;
  const [p, q, r, s, t, u] = inner;
  const row = (x: Operand, y: Operand, z: Operand): [Operand, Operand, Operand] => [
    plus(times(x, p), times(y, s)),
    plus(times(x, q), times(y, t)),
    plus(plus(times(x, r), times(y, u)), z),
  ];
  return [...row(a, b, c), ...row(d, e, f)];
}

/** Turns the plane around the middle of an image of h × w pixels before and after `linear`, whose middle stays where it is. */
export function aboutMiddle([t0, t1, t3, t4]: readonly [Operand, Operand, Operand, Operand], h: number, w: number): AffineMap {
  const [y, x] = [(h - 1) / 2, (w - 1) / 2];
  const shift = (middle: number, a: Operand, b: Operand): Operand => minus(middle, plus(times(a, y), times(b, x)));
  return [t0, t1, shift(y, t0, t1), t3, t4, shift(x, t3, t4)];
}

/** theta [N, 6] for affineSample. */
export function theta(map: AffineMap, n: number): Tensor {
  const column = (chosen: (i: number) => number): Tensor => constant(Float32Array.from({ length: 6 }, (_, i) => chosen(i)));
  const known = column((i) => (typeof map[i] === 'number' ? map[i] : 0));
  // A choice for each column is one map; putting columns side by side would be six copies.
  const values = map.reduce<Tensor>(
    (rest, value, at) =>
      typeof value === 'number'
        ? rest
        : where(
            column((i) => Number(i === at)),
            value,
            rest,
          ),
    known,
  );
  return broadcastTo(values, [n, 6]);
}

// Most elements are 0 or 1: what is known now is not computed in each step.
function times(a: Operand, b: Operand): Operand {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a === 0 || b === 0) return 0;
  if (a === 1) return b;
  if (b === 1) return a;
  if (a === -1) return neg(b);
  return b === -1 ? neg(a) : mul(a, b);
}

function plus(a: Operand, b: Operand): Operand {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a === 0) return b;
  return b === 0 ? a : add(a, b);
}

function minus(a: number, b: Operand): Operand {
  return typeof b === 'number' ? a - b : sub(a, b);
}
