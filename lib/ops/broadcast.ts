/** Broadcasting made explicit, and its transpose: the sum over what was broadcast. */
import { apply, checkTensor, Operation } from '../graph/operation.js';
import { ShapeError, formatShape } from '../errors.js';
import { type Shape, checkShape, rowMajorStrides, sameShape } from '../graph/shape.js';
import type { Node, Tensor, TensorType } from '../graph/tensor.js';
import { sum } from './reduce.js';
import { reshape } from './shape.js';

/** A value repeated over new or size-1 dimensions. The compiler folds it into maps as stride 0 where it can. */
export class Broadcast extends Operation {
  readonly name = 'broadcastTo';

  constructor(readonly shape: Shape) {
    super();
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    checkFits(this.name, x!.shape, this.shape);
    return [{ shape: this.shape, dtype: x!.dtype }];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return [dy && sumTo(dy, node.inputs[0]!.shape)];
  }

  lower(): readonly never[] {
    return [];
  }
}

function checkFits(what: string, from: Shape, to: Shape): void {
  if (from.length <= to.length && from.every((n, i) => n === 1 || n === to[i + to.length - from.length])) return;
  throw new ShapeError(`${what}: expected a shape that broadcasts to ${formatShape(to)}, got ${formatShape(from)}.`);
}

/** Strides of a contiguous `from` walked over the index space `to`: 0 where it is repeated. */
export function broadcastStrides(from: Shape, to: Shape): readonly number[] {
  const own = rowMajorStrides(from);
  return to.map((_, i) => {
    const j = i - (to.length - from.length);
    return j < 0 || from[j] === 1 ? 0 : own[j]!;
  });
}

/**
 * x repeated to `shape`.
 * @throws DTypeError for what is no tensor; ShapeError unless shape is a list of sizes that x broadcasts to
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkTensor('broadcastTo', x);
  checkShape(shape, 'broadcastTo');
  return sameShape(x.shape, shape) ? x : apply(new Broadcast(shape), x);
}

/** The sum of x over every dimension along which `shape` would have to be repeated to give x. @throws ShapeError if it cannot be */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  checkTensor('sumTo', x);
  checkShape(shape, 'sumTo');
  if (sameShape(x.shape, shape)) return x;
  checkFits('sumTo', shape, x.shape);
  const lead = x.rank - shape.length;
  const axes = x.shape.flatMap((n, i) => (i < lead || (shape[i - lead] === 1 && n !== 1) ? [i] : []));
  return reshape(axes.length === 0 ? x : sum(x, { axes }), shape);
}
