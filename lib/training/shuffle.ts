import { type Pieces, inTurns } from '../pieces.js';
import type { Philox } from '../random.js';

/** Rows settled in one piece: about a millisecond. */
const part = 1 << 15;

/** Fills with 0 … length − 1 in random order, while the event loop goes on. */
export function shuffleOrder(order: Int32Array, random: Philox): Promise<void> {
  return inTurns(shuffleInPieces(order, random));
}

function* shuffleInPieces(order: Int32Array, random: Philox): Pieces<void> {
  fillInOrder(order);
  for (let end = order.length; end > 0; end -= part) {
    random.shuffle(order, Math.max(0, end - part), end);
    yield;
  }
}

/** 0 … length − 1 */
export function fillInOrder(order: Int32Array): void {
  for (let i = 0; i < order.length; i++) order[i] = i;
}
