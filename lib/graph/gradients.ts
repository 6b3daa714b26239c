/** Reverse-mode differentiation on the graph. Its result is graph again, so it applies to itself. */
import { DTypeError, ShapeError, StateError } from '../errors.js';
import { kindOf } from '../options.js';
import { add, cast, full } from '../ops/elementwise.js';
import { label } from './label.js';
import { topologicalOrder } from './order.js';
import { sameShape } from './shape.js';
import { type Node, Tensor, formatShapeOf } from './tensor.js';

/**
 * d(y)/d(x) for each x, float32 with the shape of its x; zeros where y does not depend on it.
 * @param y a scalar, or any tensor together with `dy`
 * @param dy d(loss)/d(y), of y's shape; int32 and uint8 are read as float32. Default: 1.
 * @throws StateError if y is no scalar and dy is missing; ShapeError if dy is of another shape than y; DTypeError for what is no tensor
 */
export function gradients(y: Tensor, xs: readonly Tensor[], dy?: Tensor): readonly Tensor[] {
  return reachingGradients(y, xs, dy).map((dx, i) => dx ?? full(xs[i]!.shape, 0));
}

/** The same, but undefined for each x from which no gradient of y is to be had. */
export function reachingGradients(y: Tensor, xs: readonly Tensor[], dy?: Tensor): readonly (Tensor | undefined)[] {
  checkTensors(y, xs, dy);
  if (dy === undefined && y.size !== 1) {
    throw new StateError(`gradients: expected a scalar y, got ${formatShapeOf(y)}. Reduce it with sum() or mean(), or give dy.`);
  }
  if (dy !== undefined && !sameShape(dy.shape, y.shape)) {
    throw new ShapeError(`gradients: expected dy of the shape of y ${formatShapeOf(y)}, got ${formatShapeOf(dy)}.`);
  }
  const needed = nodesBetween(y, xs);
  const adjoints = new Map<Tensor, Tensor>([[y, dy === undefined ? full(y.shape, 1) : cast(dy, 'float32')]]);
  for (const node of usersFirst(needed)) {
    const dys = node.outputs.map((output) => adjoints.get(output));
    if (dys.every((d) => d === undefined)) continue;
    const dxs = node.op.vjp(node, dys).map((dx) => dx && cast(dx, 'float32'));
    const made = dxs.filter((dx) => dx !== undefined);
    const given = [...node.inputs, ...node.outputs, ...dys.filter((dy) => dy !== undefined)];
    if (node.label !== '') label(made, `${node.label} (backward)`, given);
    node.inputs.forEach((x, i) => {
      const dx = dxs[i];
      if (dx === undefined) return;
      const sofar = adjoints.get(x);
      adjoints.set(x, sofar === undefined ? dx : add(sofar, dx));
    });
  }
  return xs.map((x) => adjoints.get(x));
}

function checkTensors(y: unknown, xs: unknown, dy: unknown): void {
  if (!Array.isArray(xs)) throw new DTypeError(`gradients: expected a list of tensors for xs, got ${kindOf(xs)}. Put it in a list.`);
  for (const x of [y, ...(xs as unknown[]), ...(dy === undefined ? [] : [dy])]) {
    if (!(x instanceof Tensor)) throw new DTypeError(`gradients: expected tensors, got ${kindOf(x)}.`);
  }
}

/**
 * Every node after its users, as early as that allows: what a shared weight receives is then added up in the order in which it
 * becomes known, and no part has to wait for the others.
 */
function usersFirst(nodes: readonly Node[]): readonly Node[] {
  const users = new Map<Node, number>(nodes.map((node) => [node, 0]));
  const inside = (node: Node): readonly Node[] => [...new Set(node.inputs.map((x) => x.node))].filter((input) => users.has(input));
  for (const node of nodes) for (const input of inside(node)) users.set(input, users.get(input)! + 1);
  const order = nodes.filter((node) => users.get(node) === 0);
  for (let i = 0; i < order.length; i++) {
    for (const input of inside(order[i]!)) {
      const left = users.get(input)! - 1;
      users.set(input, left);
      if (left === 0) order.push(input);
    }
  }
  return order;
}

/** Nodes on a path from some x to y, inputs before users. */
function nodesBetween(y: Tensor, xs: readonly Tensor[]): readonly Node[] {
  const wanted = new Set(xs);
  const between = new Set<Node>();
  for (const node of topologicalOrder([y])) {
    // Differentiating with respect to an intermediate value stops at it, unless it also depends on another x.
    if (node.op.passesGradient && node.inputs.some((x) => wanted.has(x) || between.has(x.node))) between.add(node);
  }
  return [...between];
}
