/** Which buffers share storage: inside one another, or one after another in place. */
import { ConstantArray, Source } from '../graph/source.js';
import { type Tensor, byteSize, present } from '../graph/tensor.js';
import type { Block } from './arena.js';
import type { Flow } from './flow.js';
import { type Instruction, type MapInput, readsOf } from './instructions/index.js';
import type { Location } from './operands.js';
import type { Placed } from './place.js';
import { isContiguous } from './view.js';

export interface Storages {
  readonly blocks: readonly Block[];
  /** Index of the block that holds a root buffer. */
  readonly of: ReadonlyMap<Tensor, number>;
}

/** Whether a root buffer needs space in the arena. */
export function inArena(base: Tensor, fixed: Placed['fixed']): boolean {
  return !(base.node.op instanceof Source) && !(base.node.op instanceof ConstantArray) && !fixed.has(base);
}

/** Blocks of the arena and the block of each root buffer; an output that may takes over the block of an input that ends there. */
export function assignStorages(flow: Flow, order: readonly number[], fixed: Placed['fixed'], locate: (t: Tensor) => Location): Storages {
  const blocks: { bytes: number; first: number; last: number }[] = [];
  const of = new Map<Tensor, number>();
  const root = (base: Tensor): Tensor => flow.rootOf(base).base;
  const lastUse = new Map<Tensor, number>();
  order.forEach((i, at) => {
    for (const base of [...flow.reads[i]!, ...flow.writes[i]!]) lastUse.set(root(base), at);
  });
  order.forEach((i, at) => {
    const taken = new Set<number>();
    const free = (input: Tensor, out: Tensor): boolean => {
      const block = of.get(input);
      return (
        block !== undefined &&
        lastUse.get(input) === at &&
        blocks[block]!.bytes === byteSize(out) &&
        !taken.has(block) &&
        input.dtype === out.dtype
      );
    };
    for (const base of flow.writes[i]!) {
      const whole = root(base);
      if (!inArena(whole, fixed) || of.has(whole)) continue;
      const heir = whole === base ? overwritable(flow.items[i]!.instruction, locate, root).find((input) => free(input, base)) : undefined;
      if (heir === undefined) {
        of.set(whole, blocks.push({ bytes: byteSize(whole), first: at, last: lastUse.get(whole)! }) - 1);
      } else {
        const block = of.get(heir)!;
        blocks[block]!.last = lastUse.get(whole)!;
        taken.add(block);
        of.set(whole, block);
      }
    }
  });
  return { blocks, of };
}

/** Inputs whose element i is read for element i of the output only, so that it may take their place; none of what writes parts of an output. */
function overwritable(instruction: Instruction, locate: (t: Tensor) => Location, root: (t: Tensor) => Tensor): readonly Tensor[] {
  if (instruction.kind === 'map') {
    const { dims, inputs } = instruction;
    const aligned = ({ offset, strides }: MapInput): boolean => offset === 0 && isContiguous(dims, strides);
    const exact = inputs.filter(
      (input) =>
        aligned(input) && inputs.every((other) => root(other.tensor) !== input.tensor || (other.tensor === input.tensor && aligned(other))),
    );
    return exact.map(({ tensor }) => tensor);
  }
  const reads = readsOf(instruction);
  return readInStep(instruction).flatMap((x) => {
    const { base, offset } = locate(x);
    const others = reads.toSpliced(reads.indexOf(x), 1);
    return offset === 0 && others.every((other) => root(locate(other).base) !== base) ? [base] : [];
  });
}

/** Tensors of other instructions than maps which they read as far as they have written the output, as long as nothing else they read lies there. */
function readInStep(x: Instruction): readonly Tensor[] {
  switch (x.kind) {
    case 'softmax':
      return x.softmax === 'logSumExp' ? [] : [x.in];
    case 'softmaxBackward':
      return [x.y, x.dy];
    case 'crossEntropyBackward':
      return [x.logits];
    case 'recurrentForward':
      // The gates of a step may lie where its g was.
      return x.outGates === undefined ? [] : [x.g];
    case 'recurrentBackward':
      return present([x.gates]);
    default:
      return [];
  }
}
