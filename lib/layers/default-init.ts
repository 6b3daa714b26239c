/** First values as PyTorch has them: all U(−1/√fan, 1/√fan). */
import { type Initializer, kaimingUniform, uniform } from '../init.js';

/** For a weight: Kaiming uniform with a = √5 takes the fan from its shape. */
export function defaultWeight(): Initializer {
  return kaimingUniform({ a: Math.sqrt(5) });
}

/** For a bias, which has no fan of its own. */
export function uniformOfFan(fan: number): Initializer {
  const bound = fan > 0 ? 1 / Math.sqrt(fan) : 0;
  return uniform(-bound, bound);
}
