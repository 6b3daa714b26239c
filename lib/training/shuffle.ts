import { setImmediate } from 'node:timers/promises';
import type { Philox } from '../random.js';

/** Rows settled before the event loop gets a turn: about a millisecond. */
const part = 1 << 15;

/** Fills with 0 … length − 1 in random order, in parts so that a large data set does not hold up the event loop. */
export async function shuffleOrder(order: Int32Array, random: Philox): Promise<void> {
  fillInOrder(order);
  for (let end = order.length; end > 0; end -= part) {
    random.shuffle(order, Math.max(0, end - part), end);
    if (end > part) await setImmediate();
  }
}

/** 0 … length − 1 */
export function fillInOrder(order: Int32Array): void {
  for (let i = 0; i < order.length; i++) order[i] = i;
}
