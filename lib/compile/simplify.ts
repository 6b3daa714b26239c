/** Rewrites that need no instruction: what is known now, what changes nothing, and views of views. */
import { apply } from '../graph/operation.js';
import { Constant } from '../graph/source.js';
import { type Shape, sameShape, sizeOf } from '../graph/shape.js';
import type { Node, Tensor } from '../graph/tensor.js';
import { Broadcast, broadcastTo } from '../ops/broadcast.js';
import { CustomGradient } from '../ops/custom-gradient.js';
import { Elementwise, add, cast, full, less, mul, square, sub } from '../ops/elementwise.js';
import { MaxPoolBackward } from '../ops/pool.js';
import { Reduce } from '../ops/reduce.js';
import { ReshapeOp, Slice, Split, Transpose, reshape, transpose } from '../ops/shape.js';
import { flushed, foldConstants } from './fold-constants.js';
import { rewrite } from './rewrite.js';
import { isView, withoutReshapes } from './view.js';

/** The same values by fewer operations. Only the sign of a zero may differ. */
export function simplify(roots: readonly Tensor[]): readonly Tensor[] {
  return rewrite(roots, (node, inputs) => {
    if (node.op instanceof Split) return node.op.slices(inputs[0]!, node.outputs);
    const simpler = simplifyNode(node, inputs);
    return simpler && [simpler];
  });
}

function simplifyNode(node: Node, inputs: readonly Tensor[]): Tensor | undefined {
  const { op } = node;
  if (op instanceof Elementwise) return simplifyElementwise(node, op, inputs);
  if (op instanceof Reduce) return reductionOfOne(node, op, inputs[0]!);
  if (op instanceof CustomGradient) return inputs[0];
  return isView(op) ? simplifyView(node, inputs[0]!) : undefined;
}

/** Reducing groups of one element leaves them as they are. */
function reductionOfOne(node: Node, op: Reduce, x: Tensor): Tensor | undefined {
  return x.shape[1] === 1 ? reshape(op.name === 'sumSquares' ? square(x) : x, node.outputs[0]!.shape) : undefined;
}

function simplifyElementwise(node: Node, op: Elementwise, inputs: readonly Tensor[]): Tensor | undefined {
  const { shape } = node.outputs[0]!;
  const numbers = inputs.map(uniformValue);
  if (op.name !== 'identity' && numbers.every((n) => n !== undefined)) {
    const value = foldConstants(op.name, numbers);
    if (value !== undefined) return full(shape, value);
  }
  return identity(op, inputs, numbers, shape) ?? computedOnce(node, inputs, shape);
}

/** Operations that give back an operand, or another operation of fewer steps with the same bits; of a square, which pow may miss by one, the right ones. */
function identity(op: Elementwise, inputs: readonly Tensor[], numbers: readonly (number | undefined)[], shape: Shape): Tensor | undefined {
  const [x, y, z] = inputs as [Tensor, Tensor, Tensor];
  const [a, b] = numbers;
  const same = (t: Tensor): Tensor => broadcastTo(cast(t, 'float32'), shape);
  switch (op.name) {
    case 'add': {
      if (a === 0) return same(y);
      if (b === 0) return same(x);
      const [minusX, minusY] = [negated(x), negated(y)];
      return minusY !== undefined ? sub(x, minusY) : minusX !== undefined ? sub(y, minusX) : undefined;
    }
    case 'sub': {
      const minusY = negated(y);
      return b === 0 ? same(x) : minusY && add(x, minusY);
    }
    case 'mul':
      return a === 1 ? same(y) : b === 1 ? same(x) : (maskedBefore(x, y, shape) ?? maskedBefore(y, x, shape));
    case 'div':
      return b === 1 ? same(x) : undefined;
    case 'pow':
      return b === 1 ? same(x) : b === 2 ? same(square(x)) : undefined;
    case 'neg': {
      const minusX = negated(x);
      return minusX && same(minusX);
    }
    case 'select':
      return a === undefined ? undefined : same(a === 0 ? z : y);
    default:
      return undefined;
  }
}

/**
 * The gradient of max pooling where the pooled x is positive, as relu below the pooling has it: the largest pixel of a window, which alone
 * receives something, is positive where the window's result is, and of those there are fewer.
 */
function maskedBefore(dx: Tensor, mask: Tensor, shape: Shape): Tensor | undefined {
  const gradient = withoutReshapes(dx).node;
  const comparison = mask.node;
  if (!(gradient.op instanceof MaxPoolBackward) || dx.size !== sizeOf(shape)) return undefined;
  if (!(comparison.op instanceof Elementwise) || comparison.op.name !== 'less' || uniformValue(comparison.inputs[0]!) !== 0)
    return undefined;
  const [dy, index] = gradient.inputs as [Tensor, Tensor];
  const pooling = index.node;
  if (withoutReshapes(comparison.inputs[1]!) !== withoutReshapes(pooling.inputs[0]!)) return undefined;
  return reshape(apply(gradient.op, mul(dy, less(0, pooling.outputs[0]!)), index), shape);
}

/** What is the same everywhere is computed once and repeated. */
function computedOnce(node: Node, inputs: readonly Tensor[], shape: Shape): Tensor | undefined {
  if (node.outputs[0]!.size === 1) return undefined;
  const single = inputs.map(singleOf);
  if (!single.every((x) => x !== undefined)) return undefined;
  return broadcastTo(apply(node.op, ...single), shape);
}

/** x where t is −x. */
function negated(t: Tensor): Tensor | undefined {
  const { op, inputs } = t.node;
  return op instanceof Elementwise && op.name === 'neg' ? inputs[0] : undefined;
}

/** The number every element of t is, as far as is known now. */
function uniformValue(t: Tensor): number | undefined {
  while (isView(t.node.op)) t = t.node.inputs[0]!;
  const { op } = t.node;
  return op instanceof Constant ? flushed(op.value) : undefined;
}

/** The one element, with shape [], that t consists of or repeats. */
function singleOf(t: Tensor): Tensor | undefined {
  while (t.size !== 1 && isView(t.node.op)) t = t.node.inputs[0]!;
  return t.size === 1 ? reshape(t, []) : undefined;
}

function simplifyView(node: Node, x: Tensor): Tensor | undefined {
  const { op } = node;
  const { shape } = node.outputs[0]!;
  const value = uniformValue(x);
  if (value !== undefined) return full(shape, value);
  const inner = x.node.op;
  const below = x.node.inputs[0]!;
  if (op instanceof ReshapeOp && inner instanceof ReshapeOp) return reshape(below, shape);
  if ((op instanceof ReshapeOp || op instanceof Broadcast || op instanceof Slice) && sameShape(x.shape, shape)) return x;
  if (op instanceof Broadcast && inner instanceof Broadcast) return broadcastTo(below, shape);
  if (op instanceof Transpose && inner instanceof Transpose) return transpose(below, op.axes.map((axis) => inner.axes[axis]!)); // prettier-ignore
  return undefined;
}
