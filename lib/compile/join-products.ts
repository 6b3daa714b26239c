/** Joins a product with the sum or difference that alone reads it: one step less to store, and the same two roundings. */
import type { MapOp } from './instructions/index.js';

/** Where a step of a map reads from. */
export interface Register {
  readonly kind: 'input' | 'constant' | 'step';
  readonly index: number;
}

/** A step of a map before its registers have numbers. */
export interface Step {
  readonly op: MapOp;
  readonly registers: readonly Register[];
}

export function joinProducts(
  steps: readonly Step[],
  outputs: readonly Register[],
): { readonly steps: readonly Step[]; readonly outputs: readonly Register[] } {
  const uses = new Array<number>(steps.length).fill(0);
  for (const { kind, index } of [...outputs, ...steps.flatMap(({ registers }) => registers)]) if (kind === 'step') uses[index]!++;
  const gone = new Set<number>();

  /** The factors of a product that only this reader wants. */
  const product = ({ kind, index }: Register): readonly Register[] | undefined => {
    const step = kind === 'step' && uses[index] === 1 ? steps[index]! : undefined;
    if (step?.op !== 'mul') return undefined;
    gone.add(index);
    return step.registers;
  };
  const joined = steps.map((step): Step => {
    const [a, b] = step.registers as [Register, Register];
    if (step.op !== 'add' && step.op !== 'sub') return step;
    const right = product(b);
    if (right !== undefined) return { op: step.op === 'add' ? 'mulAdd' : 'subMul', registers: [...right, a] };
    const left = product(a);
    if (left !== undefined) return { op: step.op === 'add' ? 'mulAdd' : 'mulSub', registers: [...left, b] };
    return step;
  });

  const moved = new Map<number, number>();
  joined.forEach((_, i) => {
    if (!gone.has(i)) moved.set(i, moved.size);
  });
  const renumbered = ({ kind, index }: Register): Register => ({ kind, index: kind === 'step' ? moved.get(index)! : index });
  return {
    steps: joined.filter((_, i) => !gone.has(i)).map(({ op, registers }) => ({ op, registers: registers.map(renumbered) })),
    outputs: outputs.map(renumbered),
  };
}
