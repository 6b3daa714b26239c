/** Reductions over any axes: sum, mean, max, min, variance, argmax. */
import { Operation, apply } from '../graph/operation.js';
import type { Instruction, ReduceKind } from '../compile/instruction.js';
import { DTypeError, ShapeError } from '../errors.js';
import { type Node, type Shape, type Tensor, type TensorType, normalizeAxis } from '../graph/tensor.js';
import { type Rule, type Rules, boolean, checkOptions, either, integer } from '../options.js';
import { broadcastTo } from './broadcast.js';
import { cast, div, equal, mul, square, sub } from './elementwise.js';
import { concat, reshape, slice, transpose } from './shape.js';

/** Options of the reductions. */
export interface ReduceOptions {
  /** Axes to reduce over, negative from the end. Default: all. */
  readonly axes?: number | readonly number[] | undefined;
  /** Keep reduced axes with size 1. Default: false. */
  readonly keepDims?: boolean | undefined;
}

const axisList: Rule = either(integer, {
  expected: 'a list of whole numbers',
  accepts: (value) => Array.isArray(value) && value.every((axis) => integer.accepts(axis)),
});
const reduceRules: Rules<ReduceOptions> = { axes: axisList, keepDims: boolean };

/** in [outer, count, inner] → out [outer, inner] */
export class Reduce extends Operation {
  constructor(readonly name: ReduceKind) {
    super();
  }

  key(): string {
    return '';
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    if (x!.dtype !== 'float32') throw new DTypeError(`${this.name}: expected x of float32, got ${x!.dtype}. Cast it first.`);
    const [outer, , inner] = x!.shape;
    return [{ shape: [outer!, inner!], dtype: 'float32' }];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    if (dy === undefined) return [];
    const x = node.inputs[0]!;
    const [outer, count, inner] = x.shape as [number, number, number];
    const spread = (t: Tensor): Tensor => reshape(t, [outer, 1, inner]);
    switch (this.name) {
      case 'sum':
        return [broadcastTo(spread(dy), x.shape)];
      case 'mean':
        return [broadcastTo(spread(div(dy, count)), x.shape)];
      case 'sumSquares':
        return [mul(mul(x, 2), spread(dy))];
      case 'max':
      case 'min': {
        // Equal extremes share the gradient.
        const chosen = equal(x, spread(node.outputs[0]!));
        return [mul(chosen, spread(div(dy, reduce('sum', chosen))))];
      }
      default:
        return this.name satisfies never;
    }
  }

  lower(node: Node): readonly Instruction[] {
    const [outer, count, inner] = node.inputs[0]!.shape as [number, number, number];
    return [{ kind: 'reduce', reduction: this.name, out: node.outputs[0]!, in: node.inputs[0]!, outer, count, inner }];
  }
}

function reduce(kind: ReduceKind, x: Tensor): Tensor {
  return apply(new Reduce(kind), x);
}

/**
 * What is long is reduced in pieces of about so many elements first, so that the pieces can run in parallel.
 * A function of the sizes only, so the bits do not depend on the number of threads.
 */
const pieceElements = 16384;

/** Rows of fewer columns are reduced several side by side, so that they fill vectors. More columns are enough to divide among threads. */
const fewestColumns = 64;
const mostColumns = 512;

function reduceAxes(kind: ReduceKind, x: Tensor, options: ReduceOptions): Tensor {
  checkOptions(kind, options, reduceRules);
  const what = options.axes ?? x.shape.map((_, i) => i);
  const axes = [...new Set((typeof what === 'number' ? [what] : what).map((axis) => normalizeAxis(kind, axis, x.rank)))].sort(
    (a, b) => a - b,
  );
  const kept = x.shape.flatMap((_, i) => (axes.includes(i) ? [] : [i]));
  const shape: Shape = options.keepDims === true ? x.shape.map((n, i) => (axes.includes(i) ? 1 : n)) : kept.map((i) => x.shape[i]!);
  const size = (of: readonly number[]): number => of.reduce((n, i) => n * x.shape[i]!, 1);

  const first = axes[0] ?? x.rank;
  const consecutive = axes.every((axis, i) => axis === first + i);
  const ordered = consecutive ? x : transpose(x, [...kept, ...axes]);
  const outer = consecutive ? size(kept.filter((i) => i < first)) : size(kept);
  const inner = consecutive ? size(kept.filter((i) => i > first)) : 1;
  return reshape(reduceBlock(kind, reshape(ordered, [outer, size(axes), inner])), shape);
}

/** [outer, count, inner] → [outer, inner], a long vector or long columns in two rounds. */
function reduceBlock(kind: ReduceKind, x: Tensor): Tensor {
  const [outer, count, inner] = x.shape as [number, number, number];
  const side = inner === 1 ? 1 : 2 ** Math.max(0, Math.ceil(Math.log2(fewestColumns / inner)));
  const rows = inner === 1 ? pieceElements : side * 2 ** Math.floor(Math.log2(pieceElements / (side * inner)));
  const pieces = Math.floor(count / rows);
  if (outer !== 1 || inner > mostColumns || pieces < 2) return reduce(kind, x);
  if (kind === 'mean') return div(reduceBlock('sum', x), count);
  const combine = kind === 'sumSquares' ? 'sum' : kind;
  const partial = reduce(kind, reshape(rowsOf(x, 0, pieces * rows), [pieces, rows / side, side * inner]));
  const head = reduce(combine, reshape(partial, [1, pieces * side, inner]));
  if (pieces * rows === count) return head;
  const tail = reduce(kind, rowsOf(x, pieces * rows, count));
  return reduce(combine, reshape(concat([head, tail]), [1, 2, inner]));
}

/** Rows [begin, end) of [1, count, inner]. */
function rowsOf(x: Tensor, begin: number, end: number): Tensor {
  return slice(x, [0, begin, 0], [1, end - begin, x.shape[2]!]);
}

/** Σ x over `axes` */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduceAxes('sum', cast(x, 'float32'), options);
}

/** Σ x / n over `axes` */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduceAxes('mean', cast(x, 'float32'), options);
}

/** Largest value over `axes`; NaN wins */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduceAxes('max', cast(x, 'float32'), options);
}

/** Smallest value over `axes`; NaN wins */
export function min(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduceAxes('min', cast(x, 'float32'), options);
}

/** Σ x² over `axes` */
export function sumSquares(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduceAxes('sumSquares', cast(x, 'float32'), options);
}

/** Mean squared distance from the mean over `axes` (the biased estimate, as normalisation layers use). */
export function variance(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkOptions('variance', options, reduceRules);
  return mean(square(sub(x, mean(x, { ...options, keepDims: true }))), options);
}

class ArgReduce extends Operation {
  constructor(readonly name: 'argmax' | 'argmin') {
    super();
  }

  key(): string {
    return '';
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    if (x!.rank < 1) throw new ShapeError(`${this.name}: expected x of rank ≥ 1, got [].`);
    return [{ shape: x!.shape.slice(0, -1), dtype: 'int32' }];
  }

  override vjp(): readonly undefined[] {
    return [];
  }

  lower(node: Node): readonly Instruction[] {
    const [x] = node.inputs;
    const columns = x!.shape.at(-1)!;
    return [{ kind: 'argReduce', minimum: this.name === 'argmin', out: node.outputs[0]!, in: x!, rows: node.outputs[0]!.size, columns }];
  }
}

/** Position of the first largest value along the last axis, as int32; NaN counts as largest. */
export function argmax(x: Tensor): Tensor {
  return apply(new ArgReduce('argmax'), cast(x, 'float32'));
}

/** Position of the first smallest value along the last axis, as int32; NaN counts as smallest. */
export function argmin(x: Tensor): Tensor {
  return apply(new ArgReduce('argmin'), cast(x, 'float32'));
}
