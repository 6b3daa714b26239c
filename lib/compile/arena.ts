/** Memory planning: which buffers share storage, and where each storage lies in the arena. */

/** Bytes every offset is a multiple of: a cache line, and the widest vector. */
export const alignment = 64;

/** A block of bytes needed while the instructions `first` … `last` run. */
export interface Block {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** An offset for each block such that no two live at once overlap: largest first, each in the lowest gap that fits (Pisarchyk and Lee 2020). */
export function packBlocks(blocks: readonly Block[]): { offsets: readonly number[]; bytes: number } {
  const offsets = new Array<number>(blocks.length).fill(0);
  const placed: number[] = [];
  const bySize = blocks.map((_, i) => i).sort((a, b) => blocks[b]!.bytes - blocks[a]!.bytes || blocks[a]!.first - blocks[b]!.first);
  let total = 0;
  for (const i of bySize) {
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
