/** Gives each value a program must deliver its place in a bound memory: computed there where possible, otherwise copied there. */
import { StateError } from '../errors.js';
import { type MemorySlot, source } from '../graph/source.js';
import { type Tensor, byteSize, bytesPerElement } from '../graph/tensor.js';
import { type Flow, type Range, type SourceRead, overlaps } from './flow.js';
import { type Instruction, canFail, copyOf } from './instructions/index.js';
import type { Item } from './lower.js';
import type { Location } from './operands.js';
import { isContiguous } from './view.js';

/** One value a program writes to a bound memory. */
export interface Write {
  readonly value: Tensor;
  readonly slot: MemorySlot;
  readonly byteOffset: number;
  /** The value is rows of a table that lies there; the others stay as they are. */
  readonly rows?: TableRows | undefined;
  /** Outlives the step: parameters, slots, running state. */
  readonly commit: boolean;
}

/** Row i of a value [M, columns] replaces row ids[i] of a table [tableRows, columns]. */
export interface TableRows {
  /** int32 [M]. Where it is outside the table nothing is replaced; the others differ from each other. */
  readonly ids: Tensor;
  readonly tableRows: number;
}

export interface Placed {
  /** Buffers that lie in bound memories. */
  readonly fixed: ReadonlyMap<Tensor, { readonly slot: MemorySlot; readonly byteOffset: number }>;
  /** Items that change what outlives the step, and all that depends on them. */
  readonly late: ReadonlySet<number>;
}

/** Adds to `flow` the copies that are needed and the order in which old values are read before new ones are written. */
export function placeWrites(flow: Flow, writes: readonly Write[], locate: (t: Tensor) => Location): Placed {
  checkApart(writes);
  const fixed = new Map<Tensor, { slot: MemorySlot; byteOffset: number }>();
  const committing: number[] = [];
  for (const write of writes) {
    const { base, offset } = locate(write.value);
    const range = rangeOf(write);
    const whole = write.rows === undefined && offset === 0 && byteSize(base) === byteSize(write.value);
    let writers = whole && !fixed.has(base) && !flow.parents.has(base) ? writeDirectly(flow, base, range, write.commit) : undefined;
    if (writers !== undefined) {
      fixed.set(base, { slot: write.slot, byteOffset: write.byteOffset });
    } else {
      writers = [flow.add(copyOut(write))];
      for (const read of flow.sourceReads) if (overlaps(read, range)) flow.order(read.item, writers[0]!);
    }
    if (write.commit) committing.push(...writers);
  }
  return { fixed, late: new Set([...committing, ...flow.descendants(committing)]) };
}

/** The items that may write `base` straight into `range`, ordered after those that read the old bytes; undefined if they may not. */
function writeDirectly(flow: Flow, base: Tensor, range: Range, commit: boolean): readonly number[] | undefined {
  const before: (readonly [number, number])[] = [];
  const stack = [{ piece: base, range }];
  while (stack.length > 0) {
    const { piece, range: at } = stack.pop()!;
    const writers = flow.ownWriters(piece);
    if (writers.length > 0) {
      const later = flow.descendants(writers);
      for (const read of flow.sourceReads) {
        if (!overlaps(read, at)) continue;
        if (writers.includes(read.item)) {
          if (!overwritesExactly(flow, read, piece, at)) return undefined;
        } else if (later.has(read.item)) {
          return undefined;
        } else {
          for (const writer of writers) before.push([read.item, writer]);
        }
      }
    }
    for (const child of flow.childrenOf(piece)) {
      const begin = at.begin + flow.parents.get(child)!.byteOffset;
      stack.push({ piece: child, range: { slot: at.slot, begin, end: begin + byteSize(child) } });
    }
  }
  const writers = flow.producers(base);
  const later = flow.descendants(writers);
  // What may fail runs before anything commits, so it waits for no reader: that may commit.
  if ((commit || before.length > 0) && [...writers, ...later].some((i) => canFail(flow.items[i]!.instruction))) return undefined;
  // Two pieces may each wait for a reader of the other; then the value is copied.
  if (before.some(([read]) => later.has(read) || (writers.length > 1 && writers.includes(read)))) return undefined;
  for (const [read, writer] of before) flow.order(read, writer);
  return writers;
}

/** Whether a map replaces each element it reads by the one it computes from it. */
function overwritesExactly(flow: Flow, read: SourceRead, piece: Tensor, at: Range): boolean {
  const { instruction } = flow.items[read.item]!;
  if (instruction.kind !== 'map' || read.begin !== at.begin || read.end !== at.end) return false;
  const element = bytesPerElement[piece.dtype];
  return instruction.inputs.every(
    ({ tensor, offset, strides }) =>
      tensor !== read.source || (offset === 0 && isContiguous(instruction.dims, strides) && bytesPerElement[tensor.dtype] === element),
  );
}

function copyOut({ value, slot, byteOffset, rows }: Write): Item {
  if (rows !== undefined) return { instruction: writeRows(value, rows, slot, byteOffset), nodes: [value.node] };
  return { instruction: copyOf(source(slot, byteOffset, value.shape, value.dtype), value), nodes: [value.node] };
}

function writeRows(value: Tensor, { ids, tableRows }: TableRows, slot: MemorySlot, byteOffset: number): Instruction {
  const [count, columns] = value.shape as [number, number];
  return { kind: 'writeRows', out: source(slot, byteOffset, [tableRows, columns]), in: value, ids, count, tableRows, columns };
}

function rangeOf({ value, slot, byteOffset, rows }: Write): Range {
  const bytes = rows === undefined ? byteSize(value) : byteSize({ shape: value.shape.with(0, rows.tableRows), dtype: value.dtype });
  return { slot, begin: byteOffset, end: byteOffset + bytes };
}

function checkApart(writes: readonly Write[]): void {
  const sorted = writes.map((write) => rangeOf(write)).sort((a, b) => a.begin - b.begin);
  const ends = new Map<MemorySlot, number>();
  for (const { slot, begin, end } of sorted) {
    if (begin === end) continue;
    if (begin < (ends.get(slot) ?? 0))
      throw new StateError(`build: expected writes to "${slot.name}" that do not overlap, got two at byte ${begin}.`);
    if (end > slot.bytes)
      throw new StateError(`build: expected writes within the ${slot.bytes} bytes of "${slot.name}", got bytes ${begin} to ${end}.`);
    ends.set(slot, end);
  }
}
