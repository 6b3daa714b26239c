/** Copy elision: what is only copied into a larger tensor is computed there at once. */
import { append } from '../append.js';
import { sizeOf } from '../graph/shape.js';
import { type Tensor, bytesPerElement } from '../graph/tensor.js';
import { type Copy, writesOf } from './instructions/index.js';
import type { Item } from './lower.js';
import type { Location } from './operands.js';
import { isContiguous } from './view.js';

/** A buffer computed inside another. */
export interface Parent {
  readonly base: Tensor;
  readonly byteOffset: number;
}

export interface Elided {
  /** The items without the copies that are no longer needed. */
  readonly items: readonly Item[];
  readonly parents: ReadonlyMap<Tensor, Parent>;
}

/** @param settled buffers that already have a place of their own */
export function elideCopies(items: readonly Item[], locate: (t: Tensor) => Location, settled: ReadonlySet<Tensor>): Elided {
  const writers = new Map<Tensor, Item[]>();
  for (const item of items) {
    for (const out of writesOf(item.instruction)) append(writers, out, item);
  }
  const parents = new Map<Tensor, Parent>();
  const kept = items.filter((item) => {
    const { instruction: copy } = item;
    if (copy.kind !== 'copy') return true;
    const { base, offset } = locate(copy.in);
    const size = sizeOf(copy.dims);
    const whole =
      offset === 0 &&
      copy.inOffset === 0 &&
      base.size === size &&
      isContiguous(copy.dims, copy.inStrides) &&
      isContiguous(copy.dims, copy.outStrides);
    if (!whole || !writers.has(base) || parents.has(base) || settled.has(base)) return true;
    const alone = writers.get(copy.out)!.every((other) => other === item || isApart(other, copy, size));
    if (!alone) return true;
    parents.set(base, { base: copy.out, byteOffset: copy.outOffset * bytesPerElement[copy.dtype] });
    return false;
  });
  return { items: kept, parents };
}

/** Whether another instruction that writes the same tensor leaves the copy's range alone. */
function isApart(other: Item, copy: Copy, size: number): boolean {
  const { instruction } = other;
  if (instruction.kind !== 'copy' && instruction.kind !== 'fill') return false;
  const begin = instruction.outOffset;
  const count =
    instruction.kind === 'fill' ? instruction.count : instruction.dims.reduce((n, d, i) => n + (d - 1) * instruction.outStrides[i]!, 1);
  return begin + count <= copy.outOffset || begin >= copy.outOffset + size;
}
