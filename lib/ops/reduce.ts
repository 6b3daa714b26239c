/** Reductions over any axes: sum, mean, max, min, norm, variance, argmax. int32 and uint8 are read as float32. */
import { Operation, apply, checkTensor } from '../graph/operation.js';
import type { Instruction, ReduceKind } from '../compile/instructions/index.js';
import { DTypeError, OptionError, ShapeError } from '../errors.js';
import { type Shape, normalizeAxis, sizeOf } from '../graph/shape.js';
import { type Node, type Tensor, type TensorType, floats, formatShapeOf } from '../graph/tensor.js';
import { type Rule, type Rules, boolean, checkOptions, either, integer, show } from '../options.js';
import { type ReduceAxisOptions, reduceAxis } from './along-axis.js';
import { broadcastTo } from './broadcast.js';
import { customGradient } from './custom-gradient.js';
import { div, equal, floatsOf, mul, sqrt, square, sub, where } from './elementwise.js';
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

/** What is long is reduced in pieces of so many elements, of columns about as many, so that the pieces can run in parallel. */
const pieceElements = 16384;
/** More columns are work enough for threads. */
const mostColumns = 512;
/** Rows of fewer columns are taken several at a time, so that they fill vectors. */
const fewestColumns = 64;

/** How x [1, count, inner] is reduced in two rounds: as [pieces, rows, columns], which gives [pieces · columns / inner, inner]. */
interface Pieces {
  readonly pieces: number;
  readonly rows: number;
  readonly columns: number;
}

/** By the shape alone, so that the bits never depend on threads. Undefined: in one round. */
function piecesOf([outer, count, inner]: Shape): Pieces | undefined {
  if (outer !== 1 || inner! < 2 || inner! > mostColumns || count! * inner! < 2 * pieceElements) return undefined;
  let side = 1;
  while (side * inner! < fewestColumns && count! % (2 * side) === 0) side *= 2;
  const columns = side * inner!;
  const all = count! / side;
  const most = Math.floor(pieceElements / columns);
  for (let rows = most; rows > most / 4; rows--) if (all % rows === 0) return { pieces: all / rows, rows, columns };
  return undefined;
}

/** in [outer, count, inner] → out [outer, inner] */
export class Reduce extends Operation {
  constructor(readonly name: ReduceKind) {
    super();
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    if (x!.dtype !== 'float32') throw new DTypeError(`${this.name}: expected x of float32, got ${x!.dtype}. Cast it first.`);
    const [outer, , inner] = x!.shape;
    return [floats([outer!, inner!])];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return dy === undefined ? [] : [gradientOf(this.name, node.inputs[0]!, node.outputs[0]!, dy)];
  }

  lower(node: Node): readonly Instruction[] {
    const [outer, count, inner] = node.inputs[0]!.shape as [number, number, number];
    return [{ kind: 'reduce', reduction: this.name, out: node.outputs[0]!, in: node.inputs[0]!, outer, count, inner }];
  }
}

/** d(loss)/dx for x [outer, count, inner], from y and dy of outer · inner elements. */
function gradientOf(kind: ReduceKind, x: Tensor, y: Tensor, dy: Tensor): Tensor {
  const [outer, count, inner] = x.shape as [number, number, number];
  const spread = (t: Tensor): Tensor => reshape(t, [outer, 1, inner]);
  switch (kind) {
    case 'sum':
      return broadcastTo(spread(dy), x.shape);
    case 'mean':
      return broadcastTo(spread(div(dy, count)), x.shape);
    case 'sumSquares':
      return mul(mul(x, 2), spread(dy));
    case 'max':
    case 'min': {
      // Equal extremes share the gradient.
      const chosen = equal(x, spread(y));
      return mul(chosen, spread(div(dy, reduceBlock('sum', chosen))));
    }
    default:
      return kind satisfies never;
  }
}

function reduce(kind: ReduceKind, x: Tensor): Tensor {
  return apply(new Reduce(kind), x);
}

function reduceAxes(kind: ReduceKind, input: Tensor, options: ReduceOptions, what: string = kind): Tensor {
  const x = floatsOf(what, input);
  checkOptions(what, options, reduceRules);
  const axes = axesOf(what, x, options);
  const kept = x.shape.flatMap((_, i) => (axes.includes(i) ? [] : [i]));
  const shape: Shape = options.keepDims === true ? x.shape.map((n, i) => (axes.includes(i) ? 1 : n)) : kept.map((i) => x.shape[i]!);
  const size = (of: readonly number[]): number => of.reduce((n, i) => n * x.shape[i]!, 1);

  if (kind === 'max' || kind === 'min') checkFound(kind, size(axes), sizeOf(shape), x);
  const first = axes[0] ?? x.rank;
  const consecutive = axes.every((axis, i) => axis === first + i);
  const ordered = consecutive ? x : transpose(x, [...kept, ...axes]);
  const outer = consecutive ? size(kept.filter((i) => i < first)) : size(kept);
  const inner = consecutive ? size(kept.filter((i) => i > first)) : 1;
  return reshape(reduceBlock(kind, reshape(ordered, [outer, size(axes), inner])), shape);
}

/** In order. @throws ShapeError for an axis that x does not have */
function axesOf(what: string, x: Tensor, { axes = x.shape.map((_, i) => i) }: ReduceOptions): readonly number[] {
  const over = typeof axes === 'number' ? [axes] : axes;
  return [...new Set(over.map((axis) => normalizeAxis(what, axis, x.rank)))].sort((a, b) => a - b);
}

/** [outer, count, inner] → [outer, inner], what is long in two rounds. */
function reduceBlock(kind: ReduceKind, x: Tensor): Tensor {
  const [outer, count, inner] = x.shape as [number, number, number];
  if (outer === 1 && inner === 1 && count >= 2 * pieceElements)
    return kind === 'mean' ? div(reduceBlock('sum', x), count) : derivedAtOnce(kind, x, reduceVector(kind, x));
  const pieces = piecesOf(x.shape);
  return pieces === undefined ? reduce(kind, x) : derivedAtOnce(kind, x, reduceColumns(kind, x, pieces));
}

/** y, reduced from x, whose gradient would else be put together from those of the pieces. */
function derivedAtOnce(kind: ReduceKind, x: Tensor, y: Tensor): Tensor {
  return customGradient(y, [x], (dy) => [gradientOf(kind, x, y, dy)]);
}

/** What the results of pieces are reduced by. */
function combining(kind: ReduceKind): ReduceKind {
  return kind === 'sumSquares' ? 'sum' : kind;
}

/** [1, count, inner] → [1, inner] */
function reduceColumns(kind: ReduceKind, x: Tensor, { pieces, rows, columns }: Pieces): Tensor {
  const inner = x.shape[2]!;
  const partial = reduce(kind, reshape(x, [pieces, rows, columns]));
  return reduce(combining(kind), reshape(partial, [1, partial.size / inner, inner]));
}

/** [1, count, 1] → [1, 1] */
function reduceVector(kind: Exclude<ReduceKind, 'mean'>, x: Tensor): Tensor {
  const count = x.size;
  const pieces = Math.floor(count / pieceElements);
  const whole = pieces * pieceElements;
  const partial = reduce(kind, headOf(x, pieces, whole));
  const head = reduce(combining(kind), reshape(partial, [1, pieces, 1]));
  if (whole === count) return head;
  const tail = reduce(kind, tailOf(x, whole));
  return reduce(combining(kind), reshape(concatPair(head, tail), [1, 2, 1]));
}

function headOf(x: Tensor, pieces: number, whole: number): Tensor {
  const flat = reshape(x, [x.size]);
  return reshape(slice(flat, [0], [whole]), [pieces, whole / pieces, 1]);
}

function tailOf(x: Tensor, whole: number): Tensor {
  const rest = x.size - whole;
  return reshape(slice(reshape(x, [x.size]), [whole], [rest]), [1, rest, 1]);
}

function concatPair(a: Tensor, b: Tensor): Tensor {
  return concat([reshape(a, [1]), reshape(b, [1])]);
}

/**
 * Σ x over `axes`. int32 is read as float32, which holds whole numbers up to 2²⁴ exactly, as in all reductions.
 * @throws DTypeError for what is no tensor; OptionError for wrong options; ShapeError for an axis that x does not have
 */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduceAxes('sum', x, options);
}

/**
 * Σ x / n over `axes`
 * @throws DTypeError for what is no tensor; OptionError for wrong options; ShapeError for an axis that x does not have
 */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduceAxes('mean', x, options);
}

/** Largest value over `axes`; NaN wins. int32 is read as float32, exact up to 2²⁴. @throws ShapeError where there is no value */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduceAxes('max', x, options);
}

/** Smallest value over `axes`; NaN wins. int32 is read as float32, exact up to 2²⁴. @throws ShapeError where there is no value */
export function min(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduceAxes('min', x, options);
}

/**
 * Σ x² over `axes`
 * @throws DTypeError for what is no tensor; OptionError for wrong options; ShapeError for an axis that x does not have
 */
export function sumSquares(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduceAxes('sumSquares', x, options);
}

/**
 * √Σ x² over `axes`, the length of vectors; gradient x / norm, 0 at 0, where that of `sqrt(sumSquares(x))` is NaN. Squares of |x| beyond 1.8e19 are infinite,
 * of |x| below 1e-19 they are 0.
 *
 * Vectors of length 1, as F.normalize of PyTorch: `div(x, maximum(norm(x, { axes: -1, keepDims: true }), 1e-12))`.
 */
export function norm(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkTensor('norm', x);
  if (typeof options === 'number') {
    throw new OptionError(
      `norm: expected an object of options { axes, keepDims }, got ${show(options)}. Its order is 2: leave that out, or name axes: { axes: -1 }.`,
    );
  }
  checkOptions('norm', options, reduceRules);
  const root = sqrt(reduceAxes('sumSquares', x, { ...options, keepDims: true }, 'norm'));
  // Derived it would be x / 0 at 0; itself in place of the root, so that its second gradient is finite there too.
  const y: Tensor = customGradient(root, [x], (dy) => [mul(x, div(dy, where(equal(y, 0), Infinity, y)))]);
  const axes = axesOf('norm', x, options);
  return options.keepDims === true ? y : reshape(y, y.shape.filter((_, i) => !axes.includes(i))); // prettier-ignore
}

/**
 * Mean squared distance from the mean over `axes` (the biased estimate, as normalisation layers use).
 * @throws DTypeError for what is no tensor; OptionError for wrong options; ShapeError for an axis that x does not have
 */
export function variance(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkTensor('variance', x);
  checkOptions('variance', options, reduceRules);
  const high = reduceAxes('mean', x, { ...options, keepDims: true }, 'variance');
  const near = sub(x, high);
  // The mean of values far from 0 is rounded by more than they may differ.
  const centred = sub(near, mean(near, { ...options, keepDims: true }));
  const y = mean(square(centred), options);
  // Derived it would go back through both means, where Σ centred = 0 adds nothing.
  return customGradient(y, [x], (dy) => [mul(mul(centred, (2 * y.size) / x.size), reshape(dy, high.shape))]);
}

class ArgReduce extends Operation {
  override readonly passesGradient = false;

  constructor(readonly name: 'argmax' | 'argmin') {
    super();
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    return [{ shape: x!.shape.slice(0, -1), dtype: 'int32' }];
  }

  lower(node: Node): readonly Instruction[] {
    const [x] = node.inputs;
    const columns = x!.shape.at(-1)!;
    return [{ kind: 'argReduce', minimum: this.name === 'argmin', out: node.outputs[0]!, in: x!, rows: node.outputs[0]!.size, columns }];
  }
}

/**
 * Position of the first largest value along an axis, by default the last, as int32; NaN counts as largest. x of int32 is read as float32,
 * exact up to 2²⁴.
 * @throws ShapeError where there is no value
 */
export function argmax(x: Tensor, options: ReduceAxisOptions = {}): Tensor {
  return argReduce('argmax', x, options);
}

/**
 * Position of the first smallest value along an axis, by default the last, as int32; NaN counts as smallest. x of int32 is read as float32,
 * exact up to 2²⁴.
 * @throws ShapeError where there is no value
 */
export function argmin(x: Tensor, options: ReduceAxisOptions = {}): Tensor {
  return argReduce('argmin', x, options);
}

function argReduce(kind: 'argmax' | 'argmin', x: Tensor, options: ReduceAxisOptions): Tensor {
  return reduceAxis(kind, x, options, (rows) => {
    checkFound(kind, rows.shape.at(-1)!, sizeOf(rows.shape.slice(0, -1)), x);
    return apply(new ArgReduce(kind), rows);
  });
}

/** @throws ShapeError for extremes of no values */
function checkFound(kind: string, count: number, results: number, x: Tensor): void {
  if (count > 0 || results === 0) return;
  throw new ShapeError(`${kind}: expected at least one value for each result, got x of shape ${formatShapeOf(x)} and none.`);
}
