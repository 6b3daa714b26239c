/** Numbers that are the same but for rounding. */
import assert from 'node:assert/strict';

/** |actual − expected| ≤ tolerance · max(1, |expected|). */
export function near(actual: number, expected: number, tolerance: number, what = 'value'): void {
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${what}: expected ${expected}, got ${actual}`);
}

/** The same for each of several. */
export function allNear(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) near(actual[i]!, expected[i]!, tolerance, `value ${i}`);
}
