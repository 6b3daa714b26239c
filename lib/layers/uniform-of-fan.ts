import { type Initializer, uniform } from '../init.js';

/** U(−1/√fan, 1/√fan), for a bias: it has no fan of its own. */
export function uniformOfFan(fan: number): Initializer {
  const bound = fan > 0 ? 1 / Math.sqrt(fan) : 0;
  return uniform(-bound, bound);
}
