import { setImmediate } from 'node:timers/promises';
import type { Philox } from '../random.js';

/** Rows settled before the event loop gets a turn: about a millisecond. */
const part = 1 << 15;

/** 0 … count − 1 in random order, made in parts so that a large data set does not hold up the event loop. */
export async function shuffledOrder(count: number, random: Philox): Promise<Int32Array> {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let end = count; end > 0; end -= part) {
    random.shuffle(order, Math.max(0, end - part), end);
    if (end > part) await setImmediate();
  }
  return order;
}
