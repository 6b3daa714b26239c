/** Random graphs over a few shapes, for comparing compiled programs with the reference. */
import { type MemorySlot, source } from '../../lib/graph/source.js';
import type { Shape, Tensor } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';

/** A small generator of numbers in [0, 1) (Marsaglia 2003, xorshift32): tests are the same every time. */
export function generator(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** Values in multiples of 1/16 within ±2: sums of a few are exact, so that no comparison hangs on a last bit. */
export function randomValues(count: number, random: () => number): Float32Array {
  return Float32Array.from({ length: count }, () => Math.round((random() * 4 - 2) * 16) / 16);
}

export interface Graph {
  readonly tensors: readonly Tensor[];
}

/** A graph of `size` operations on pieces of `slot`, which holds `elements` float32. */
export function randomGraph(slot: MemorySlot, elements: number, size: number, random: () => number): Graph {
  const integer = (n: number): number => Math.floor(random() * n);
  const one = <T>(list: readonly T[]): T => list[integer(list.length)]!;
  const shapes: readonly Shape[] = [[4, 6], [6], [4, 1], [2, 3, 4], [24], []];
  const tensors: Tensor[] = shapes.map((shape) => {
    const count = shape.reduce((n, d) => n * d, 1);
    return source(slot, integer(elements - count + 1) * 4, shape);
  });
  const recent = (): Tensor => (random() < 0.6 ? tensors[Math.max(0, tensors.length - 1 - integer(6))]! : one(tensors));
  const like = (x: Tensor): Tensor | number => {
    const fitting = tensors.filter((t) => t.rank <= x.rank && t.shape.every((n, i) => n === 1 || n === x.shape[i + x.rank - t.rank]));
    return fitting.length === 0 || random() < 0.2 ? one([0, 1, -1, 0.5, 2]) : one(fitting);
  };
  const unary = [ops.neg, ops.abs, ops.square, ops.relu, ops.floor, ops.tanh, ops.sigmoid, ops.sign];
  const binary = [ops.add, ops.sub, ops.mul, ops.maximum, ops.minimum, ops.less, ops.equal];
  const makers: readonly ((x: Tensor) => Tensor | undefined)[] = [
    (x) => one(binary)(x, like(x)),
    (x) => one(binary)(x, like(x)),
    (x) => one(binary)(like(x), x),
    (x) => one(unary)(x),
    (x) => one(unary)(x),
    (x) => ops.where(ops.less(x, 0), like(x), x),
    (x) => ops.reshape(x, one([[x.size], [1, x.size], x.size % 4 === 0 ? [4, -1] : [-1], x.size === 24 ? [2, 3, 4] : [-1]])),
    (x) => (x.rank >= 2 ? ops.transpose(x) : undefined),
    (x) =>
      x.rank === 3
        ? ops.transpose(
            x,
            one([
              [1, 0, 2],
              [2, 0, 1],
              [1, 2, 0],
            ]),
          )
        : undefined,
    (x) => (x.rank >= 1 && x.shape[0]! > 1 ? ops.slice(x, x.shape.map((_, i) => (i === 0 ? 1 : 0)), [x.shape[0]! - 1, ...x.shape.slice(1)]) : undefined), // prettier-ignore
    (x) => (x.rank >= 1 && x.shape.at(-1)! > 1 ? ops.slice(x, x.shape.map(() => 0), [...x.shape.slice(0, -1), x.shape.at(-1)! - 1]) : undefined), // prettier-ignore
    (x) =>
      x.size <= 24 && x.rank >= 1
        ? ops.concat([x, one(tensors.filter((t) => t.rank === x.rank && t.shape.every((n, i) => n === x.shape[i])))], integer(x.rank))
        : undefined,
    (x) => (x.size <= 24 && x.rank >= 1 ? ops.pad(x, x.shape.map(() => [integer(2), integer(2)] as const), one([0, 1])) : undefined), // prettier-ignore
    (x) => (x.rank >= 1 ? ops.sum(x, { axes: integer(x.rank), keepDims: random() < 0.5 }) : undefined),
    (x) => (x.rank >= 1 ? ops.max(x, { axes: integer(x.rank) }) : undefined),
    (x) => (x.rank >= 1 ? ops.softmax(x) : undefined),
    (x) => (x.rank === 2 ? ops.matmul(x, one([x, ops.transpose(x)]), { transposeB: x.shape[0] !== x.shape[1] }) : undefined),
    (x) =>
      x.rank === 2
        ? ops.relu(ops.add(ops.matmul(ops.transpose(x), x), one([...tensors.filter((t) => t.rank === 1 && t.size === x.shape[1]), 1])))
        : undefined,
    (x) => (x.rank <= 2 ? ops.broadcastTo(x, [2, ...x.shape]) : undefined),
    (x) => ops.cast(ops.cast(x, 'int32'), 'float32'),
    (x) => ops.pack([ops.reshape(x, [x.size])], [integer(3)], x.size + 4),
    (x) => ops.mul(ops.randomUniform(x.shape, 7n, integer(2)), x),
  ];
  while (tensors.length < size) {
    const x = recent();
    if (x.size > 100) continue;
    let made: Tensor | undefined;
    try {
      made = one(makers)(x);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ShapeError') throw error;
    }
    if (made !== undefined && made.size > 0 && made.rank <= 4) tensors.push(made);
  }
  return { tensors };
}
