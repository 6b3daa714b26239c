/** Where every tensor lies while a program runs. */
import { ConstantArray, type MemorySlot, Source } from '../graph/source.js';
import { type Tensor, byteSize, bytesPerElement } from '../graph/tensor.js';
import { type Block, alignment, packBlocks } from './arena.js';
import type { Flow } from './flow.js';
import type { Instruction, MapInput } from './instruction.js';
import type { Location } from './operands.js';
import type { Placed } from './place.js';
import { isContiguous } from './view.js';

/** Memory 0 is the arena; `slots[i]` is memory i + 1; the constants, if any, are the last. */
export interface Address {
  readonly memory: number;
  readonly byteOffset: number;
}

export interface MemoryPlan {
  readonly slots: readonly MemorySlot[];
  readonly written: ReadonlySet<MemorySlot>;
  readonly arenaBytes: number;
  /** Blocks of the arena, for listings and tests. */
  readonly blocks: readonly Block[];
  readonly constants: Uint8Array;
  address(t: Tensor): Address;
}

export function planMemory(flow: Flow, order: readonly number[], { fixed }: Placed, locate: (t: Tensor) => Location): MemoryPlan {
  const slots = new Map<MemorySlot, number>();
  const slotIndex = (slot: MemorySlot): number => slots.get(slot) ?? (slots.set(slot, slots.size + 1), slots.size);
  const written = new Set<MemorySlot>();
  const constants = new Map<Tensor, number>();
  let constantBytes = 0;
  for (const i of order) {
    for (const base of flow.reads[i]!) {
      const { op } = base.node;
      if (op instanceof Source) slotIndex(op.slot);
      if (op instanceof ConstantArray && !constants.has(base)) {
        constants.set(base, constantBytes);
        constantBytes = Math.ceil((constantBytes + byteSize(base)) / alignment) * alignment;
      }
    }
    for (const base of flow.writes[i]!) {
      const { op } = base.node;
      const slot = op instanceof Source ? op.slot : fixed.get(rootOf(flow, base).base)?.slot;
      if (slot === undefined) continue;
      slotIndex(slot);
      written.add(slot);
    }
  }
  const storages = assignStorages(flow, order, fixed, locate);
  const { offsets, bytes } = packBlocks(storages.blocks);

  const address = (t: Tensor): Address => {
    const { base, offset } = locate(t);
    const inside = offset * bytesPerElement[t.dtype];
    const { op } = base.node;
    if (op instanceof Source) return { memory: slotIndex(op.slot), byteOffset: op.byteOffset + inside };
    const constant = constants.get(base);
    if (constant !== undefined) return { memory: slots.size + 1, byteOffset: constant + inside };
    const root = rootOf(flow, base);
    const place = fixed.get(root.base);
    if (place !== undefined) return { memory: slotIndex(place.slot), byteOffset: place.byteOffset + root.byteOffset + inside };
    return { memory: 0, byteOffset: (offsets[storages.of.get(root.base) ?? -1] ?? 0) + root.byteOffset + inside };
  };
  const constantData = new Uint8Array(constantBytes);
  for (const [tensor, at] of constants) {
    const { values } = tensor.node.op as ConstantArray;
    constantData.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
  }
  return { slots: [...slots.keys()], written, arenaBytes: bytes, blocks: storages.blocks, constants: constantData, address };
}

/** The buffer that holds another, and where. */
function rootOf(flow: Flow, base: Tensor): { base: Tensor; byteOffset: number } {
  let byteOffset = 0;
  for (;;) {
    const parent = flow.parents.get(base);
    if (parent === undefined) return { base, byteOffset };
    byteOffset += parent.byteOffset;
    base = parent.base;
  }
}

/** Blocks of the arena and the block of each root buffer; an output that may takes over the block of an input that ends there. */
function assignStorages(flow: Flow, order: readonly number[], fixed: Placed['fixed'], locate: (t: Tensor) => Location): { blocks: Block[]; of: Map<Tensor, number> } {
  const blocks: { bytes: number; first: number; last: number }[] = [];
  const of = new Map<Tensor, number>();
  const root = (base: Tensor): Tensor => rootOf(flow, base).base;
  const lastUse = new Map<Tensor, number>();
  order.forEach((i, at) => {
    for (const base of [...flow.reads[i]!, ...flow.writes[i]!]) lastUse.set(root(base), at);
  });
  order.forEach((i, at) => {
    const taken = new Set<number>();
    const free = (input: Tensor, out: Tensor): boolean => {
      const block = of.get(input);
      return block !== undefined && lastUse.get(input) === at && blocks[block]!.bytes === byteSize(out) && !taken.has(block) && input.dtype === out.dtype;
    };
    for (const base of flow.writes[i]!) {
      const whole = root(base);
      if (base.node.op instanceof Source || fixed.has(whole) || of.has(whole)) continue;
      const alone = whole === base && flow.ownWriters(base).length === 1 && flow.childrenOf(base).length === 0;
      const heir = alone ? overwritable(flow.items[i]!.instruction, locate, root).find((input) => free(input, base)) : undefined;
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

/** Inputs whose element i is read for element i of the output only, so that it may take their place. */
function overwritable(instruction: Instruction, locate: (t: Tensor) => Location, root: (t: Tensor) => Tensor): readonly Tensor[] {
  switch (instruction.kind) {
    case 'map': {
      const { dims, inputs } = instruction;
      const aligned = ({ offset, strides }: MapInput): boolean => offset === 0 && isContiguous(dims, strides);
      const exact = inputs.filter((input) => aligned(input) && inputs.every((other) => root(other.tensor) !== input.tensor || (other.tensor === input.tensor && aligned(other))));
      return exact.map(({ tensor }) => tensor);
    }
    case 'softmax':
      return instruction.softmax === 'logSumExp' ? [] : wholeBuffer(instruction.in, [], locate, root);
    case 'crossEntropyBackward':
      return wholeBuffer(instruction.logits, [instruction.ids, instruction.dloss], locate, root);
    default:
      return [];
  }
}

function wholeBuffer(x: Tensor, others: readonly Tensor[], locate: (t: Tensor) => Location, root: (t: Tensor) => Tensor): readonly Tensor[] {
  const { base, offset } = locate(x);
  return offset === 0 && others.every((other) => root(locate(other).base) !== base) ? [base] : [];
}
