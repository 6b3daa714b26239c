/** Memory planning: which buffers share storage, and where each storage lies in the arena. */

/** Bytes every offset is a multiple of: a cache line, and the widest vector. */
export const alignment = 64;

/** A block of bytes needed while the instructions `first` … `last` run. */
export interface Block {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface Packing {
  readonly offsets: readonly number[];
  readonly bytes: number;
}

/** Blocks up to which placing them by size, which takes quadratic time, is tried. */
const maxBySize = 4000;

/** An offset for each block such that no two live at once overlap: the tighter of two greedy rules. */
export function packBlocks(blocks: readonly Block[]): Packing {
  const byTime = packByTime(blocks);
  if (blocks.length > maxBySize) return byTime;
  const bySize = packBySize(blocks);
  return bySize.bytes <= byTime.bytes ? bySize : byTime;
}

/** Largest first, each in the lowest gap that fits (Pisarchyk and Lee 2020). */
function packBySize(blocks: readonly Block[]): Packing {
  const offsets = new Array<number>(blocks.length).fill(0);
  const placed: number[] = [];
  const order = blocks.map((_, i) => i).sort((a, b) => blocks[b]!.bytes - blocks[a]!.bytes || blocks[a]!.first - blocks[b]!.first);
  let total = 0;
  for (const i of order) {
    const { bytes, first, last } = blocks[i]!;
    let at = 0;
    for (const other of placed) {
      const block = blocks[other]!;
      if (block.first > last || block.last < first) continue;
      if (offsets[other]! - at >= bytes) break;
      at = Math.max(at, alignUp(offsets[other]! + block.bytes));
    }
    offsets[i] = at;
    total = Math.max(total, at + alignUp(bytes));
    // Kept in order of offset.
    let slot = placed.length;
    while (slot > 0 && offsets[placed[slot - 1]!]! > at) slot--;
    placed.splice(slot, 0, i);
  }
  return { offsets, bytes: total };
}

/** In order of first use, each in the smallest gap that fits, as an allocator would. */
function packByTime(blocks: readonly Block[]): Packing {
  const offsets = new Array<number>(blocks.length).fill(0);
  const starts = blocks.map((_, i) => i).sort((a, b) => blocks[a]!.first - blocks[b]!.first || blocks[b]!.bytes - blocks[a]!.bytes);
  const ends = blocks.map((_, i) => i).sort((a, b) => blocks[a]!.last - blocks[b]!.last);
  const gaps: { at: number; bytes: number }[] = [];
  let total = 0;
  let ended = 0;
  for (const i of starts) {
    const { bytes, first } = blocks[i]!;
    for (; ended < ends.length && blocks[ends[ended]!]!.last < first; ended++)
      release(gaps, offsets[ends[ended]!]!, alignUp(blocks[ends[ended]!]!.bytes));
    const size = alignUp(bytes);
    let best = -1;
    gaps.forEach((gap, g) => {
      if (gap.bytes >= size && (best === -1 || gap.bytes < gaps[best]!.bytes)) best = g;
    });
    const last = gaps.at(-1);
    if (best === -1 && last !== undefined && last.at + last.bytes === total) {
      // The gap at the end grows.
      total = last.at + size;
      last.bytes = size;
      best = gaps.length - 1;
    }
    if (best === -1) {
      offsets[i] = total;
      total += size;
    } else {
      const gap = gaps[best]!;
      offsets[i] = gap.at;
      gap.at += size;
      gap.bytes -= size;
      if (gap.bytes === 0) gaps.splice(best, 1);
    }
  }
  return { offsets, bytes: total };
}

/** Gives bytes back to the list of gaps, which is in order of offset. */
function release(gaps: { at: number; bytes: number }[], at: number, bytes: number): void {
  if (bytes === 0) return;
  let next = gaps.findIndex((gap) => gap.at > at);
  if (next === -1) next = gaps.length;
  const before = gaps[next - 1];
  const after = gaps[next];
  const joinsBefore = before !== undefined && before.at + before.bytes === at;
  const joinsAfter = after !== undefined && at + bytes === after.at;
  if (joinsBefore) {
    before.bytes += bytes + (joinsAfter ? after.bytes : 0);
    if (joinsAfter) gaps.splice(next, 1);
  } else if (joinsAfter) {
    after.at = at;
    after.bytes += bytes;
  } else {
    gaps.splice(next, 0, { at, bytes });
  }
}

/** The most bytes live at once: no plan needs fewer. */
export function liveBytes(blocks: readonly Block[]): number {
  const change = new Map<number, number>();
  for (const { bytes, first, last } of blocks) {
    change.set(first, (change.get(first) ?? 0) + alignUp(bytes));
    change.set(last + 1, (change.get(last + 1) ?? 0) - alignUp(bytes));
  }
  let live = 0;
  let most = 0;
  for (const [, delta] of [...change].sort(([a], [b]) => a - b)) {
    live += delta;
    most = Math.max(most, live);
  }
  return most;
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
