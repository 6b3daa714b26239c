import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type NdArray, array } from '../../lib/array.js';

/** An array as scripts/fixtures/make.py writes it. */
export interface Packed {
  readonly shape: readonly number[];
  readonly data: readonly number[];
  readonly dtype?: 'float32' | 'int32';
}

export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')) as T;
}

export function unpack({ shape, data, dtype }: Packed): NdArray {
  return dtype === 'int32' ? array(Int32Array.from(data), shape) : array(Float32Array.from(data), shape);
}

/**
 * The same shape, and every element within `ulps` float32 units in the last place of the expected value, or of 1 if that is
 * smaller: the values computed with are of that size, so that is what rounding may leave.
 */
export function assertClose(actual: NdArray, expected: Packed, ulps: number, what: string): void {
  assert.deepEqual([...actual.shape], [...expected.shape], what);
  expected.data.forEach((e, i) => {
    const tolerance = ulps * 2 ** -23 * Math.max(1, Math.abs(e));
    const error = Math.abs(actual.data[i]! - e);
    assert.ok(error <= tolerance, `${what}: expected ${e} at ${i}, got ${actual.data[i]} (${(error / tolerance) * ulps} ulps of ${ulps})`);
  });
}
