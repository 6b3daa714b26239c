/** Which instruction must run before which. */
import { append } from '../append.js';
import { type MemorySlot, Source } from '../graph/source.js';
import { type Tensor, byteSize } from '../graph/tensor.js';
import { readsOf, writesOf } from './instructions/index.js';
import type { Item } from './lower.js';
import type { Location } from './operands.js';

/** Bytes [begin, end) of a bound memory. */
export interface Range {
  readonly slot: MemorySlot;
  readonly begin: number;
  readonly end: number;
}

export interface SourceRead extends Range {
  readonly item: number;
  readonly source: Tensor;
}

export class Flow {
  readonly items: Item[] = [];
  /** Buffers and sources each item reads; each once. */
  readonly reads: (readonly Tensor[])[] = [];
  readonly writes: (readonly Tensor[])[] = [];
  readonly successors: number[][] = [];
  readonly predecessors: number[][] = [];
  /** Every read of a bound memory. */
  readonly sourceReads: SourceRead[] = [];
  /** Buffers computed in place inside a larger one. */
  readonly parents = new Map<Tensor, { readonly base: Tensor; readonly byteOffset: number }>();
  private readonly children = new Map<Tensor, Tensor[]>();
  private readonly writers = new Map<Tensor, number[]>();

  constructor(
    items: readonly Item[],
    private readonly locate: (t: Tensor) => Location,
    parents: ReadonlyMap<Tensor, { readonly base: Tensor; readonly byteOffset: number }>,
  ) {
    for (const [child, parent] of parents) this.adopt(child, parent);
    items.forEach((item, i) => {
      this.record(item);
      for (const out of this.writes[i]!) append(this.writers, out, i);
    });
    items.forEach((_, i) => this.connect(i));
    // A fill below what other instructions write comes first.
    for (const writers of this.writers.values()) {
      if (items[writers[0]!]!.instruction.kind === 'fill') for (const later of writers.slice(1)) this.order(writers[0]!, later);
    }
  }

  /** Adds an instruction whose inputs all exist. */
  add(item: Item): number {
    const i = this.record(item);
    for (const out of this.writes[i]!) append(this.writers, out, i);
    this.connect(i);
    return i;
  }

  /** Items that write any part of a buffer; those that fill gaps last. */
  producers(base: Tensor): readonly number[] {
    const own = this.writers.get(base) ?? [];
    const children = this.children.get(base);
    return children === undefined ? own : [...children.flatMap((child) => this.producers(child)), ...own];
  }

  /** The buffer that holds another, and where. */
  rootOf(base: Tensor): { base: Tensor; byteOffset: number } {
    let byteOffset = 0;
    for (let parent = this.parents.get(base); parent !== undefined; parent = this.parents.get(base)) {
      byteOffset += parent.byteOffset;
      base = parent.base;
    }
    return { base, byteOffset };
  }

  childrenOf(base: Tensor): readonly Tensor[] {
    return this.children.get(base) ?? [];
  }

  ownWriters(base: Tensor): readonly number[] {
    return this.writers.get(base) ?? [];
  }

  order(before: number, after: number): void {
    this.successors[before]!.push(after);
    this.predecessors[after]!.push(before);
  }

  /** Items that cannot run before all of `from` have, without `from` themselves unless they depend on one another. */
  descendants(from: readonly number[]): Set<number> {
    const found = new Set<number>();
    const stack = from.flatMap((i) => this.successors[i]!);
    while (stack.length > 0) {
      const i = stack.pop()!;
      if (found.has(i)) continue;
      found.add(i);
      stack.push(...this.successors[i]!);
    }
    return found;
  }

  private record(item: Item): number {
    const i = this.items.push(item) - 1;
    const reads = [...new Set(readsOf(item.instruction).map((t) => this.locate(t).base))];
    this.reads.push(reads);
    this.writes.push(writesOf(item.instruction));
    this.successors.push([]);
    this.predecessors.push([]);
    for (const source of reads) {
      const { op } = source.node;
      if (op instanceof Source)
        this.sourceReads.push({ item: i, source, slot: op.slot, begin: op.byteOffset, end: op.byteOffset + byteSize(source) });
    }
    return i;
  }

  private connect(i: number): void {
    for (const base of this.reads[i]!) for (const producer of this.producers(base)) if (producer !== i) this.order(producer, i);
  }

  private adopt(child: Tensor, parent: { readonly base: Tensor; readonly byteOffset: number }): void {
    this.parents.set(child, parent);
    append(this.children, parent.base, child);
  }
}

export function overlaps(a: Range, b: Range): boolean {
  return a.slot === b.slot && a.begin < b.end && b.begin < a.end;
}
