/** First states that a model reads beside the layer they are given to. */
import { topologicalOrder } from '../graph/order.js';
import { StateError } from '../errors.js';
import { formatShapeOf, type Node, type Tensor } from '../graph/tensor.js';
import { ReshapeOp } from '../ops/shape.js';
import { unmoved } from './unmoved.js';

/** A layer that was called twice: with its first state, and with the one it gave then. */
export interface PassedOn {
  readonly path: string;
  readonly first: Tensor;
  readonly next: Tensor;
}

/**
 * A loop may read the state before each call: `first`, then `next`. Where states go on, it would read `first` at the beginning of every piece.
 * It is known by what is done with `first` no more often than with `next`: what means `first` reads it in each step.
 * @throws StateError naming what reads it
 */
export function checkFirstStates(passed: readonly PassedOn[], roots: readonly Tensor[]): void {
  if (passed.length === 0) return;
  const uses = usesOf(new Set(passed.flatMap(({ first, next }) => [unmoved(first), unmoved(next)])), roots);
  for (const { path, first, next } of passed) {
    const [ofFirst, ofNext] = [first, next].map((state) => uses.get(unmoved(state))!) as [readonly Use[], readonly Use[]];
    const times = (of: readonly Use[], use: string): number => of.filter((one) => one.use === use).length;
    const read = ofFirst.find(({ use }) => times(ofFirst, use) <= times(ofNext, use));
    if (read === undefined) continue;
    throw new StateError(
      `scope.state: expected a first state that nothing but the layer reads where states go on from step to step, got that of "${path}" in ${read.node.label || 'the model'} (${read.node.op.name}) too. Keep a state of your own by scope.state() around the calls, and read that.`,
    );
  }
}

interface Use {
  readonly node: Node;
  /** What is done with it, beside what. */
  readonly use: string;
}

function usesOf(wanted: ReadonlySet<Tensor>, roots: readonly Tensor[]): ReadonlyMap<Tensor, readonly Use[]> {
  const uses = new Map<Tensor, Use[]>([...wanted].map((x) => [x, []]));
  for (const node of topologicalOrder(roots)) {
    const { op, inputs, label } = node;
    if (op instanceof ReshapeOp) continue;
    inputs.forEach((input, at) =>
      uses.get(unmoved(input))?.push({ node, use: [label, op.name, op.key(), at, ...inputs.map(formatShapeOf)].join() }),
    );
  }
  return uses;
}
