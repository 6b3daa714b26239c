/** Where every tensor lies while a program runs. */
import { ConstantArray, type MemorySlot, Source } from '../graph/source.js';
import { type Tensor, byteSize, bytesPerElement } from '../graph/tensor.js';
import { type Block, alignment, packBlocks } from './arena.js';
import type { Flow } from './flow.js';
import type { Location } from './operands.js';
import type { Placed } from './place.js';
import type { Storages } from './storage.js';

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
  readonly address: (t: Tensor) => Address;
}

export function planMemory(
  flow: Flow,
  order: readonly number[],
  storages: Storages,
  { fixed }: Placed,
  locate: (t: Tensor) => Location,
): MemoryPlan {
  const slots = new Map<MemorySlot, number>();
  const slotIndex = (slot: MemorySlot): number => slots.get(slot) ?? (slots.set(slot, slots.size + 1), slots.size);
  const written = new Set<MemorySlot>();
  const constants = new Map<Tensor, number>();
  let constantBytes = 0;
  for (const i of order) {
    for (const base of flow.reads[i]!) {
      const { op } = base.node;
      if (op instanceof Source) slotIndex(op.slot);
      // An array without elements takes no memory: there may be no other constant.
      if (op instanceof ConstantArray && base.size > 0 && !constants.has(base)) {
        constants.set(base, constantBytes);
        constantBytes = Math.ceil((constantBytes + byteSize(base)) / alignment) * alignment;
      }
    }
    for (const base of flow.writes[i]!) {
      const { op } = base.node;
      const slot = op instanceof Source ? op.slot : fixed.get(flow.rootOf(base).base)?.slot;
      if (slot === undefined) continue;
      slotIndex(slot);
      written.add(slot);
    }
  }
  const { offsets, bytes } = packBlocks(storages.blocks);

  const address = (t: Tensor): Address => {
    if (t.size === 0) return { memory: 0, byteOffset: 0 };
    const { base, offset } = locate(t);
    const inside = offset * bytesPerElement[t.dtype];
    const { op } = base.node;
    if (op instanceof Source) return { memory: slotIndex(op.slot), byteOffset: op.byteOffset + inside };
    const constant = constants.get(base);
    if (constant !== undefined) return { memory: slots.size + 1, byteOffset: constant + inside };
    const root = flow.rootOf(base);
    const place = fixed.get(root.base);
    if (place !== undefined) return { memory: slotIndex(place.slot), byteOffset: place.byteOffset + root.byteOffset + inside };
    return { memory: 0, byteOffset: offsets[storages.of.get(root.base)!]! + root.byteOffset + inside };
  };
  const constantData = new Uint8Array(constantBytes);
  for (const [tensor, at] of constants) {
    const { values } = tensor.node.op as ConstantArray;
    constantData.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
  }
  return { slots: [...slots.keys()], written, arenaBytes: bytes, blocks: storages.blocks, constants: constantData, address };
}
