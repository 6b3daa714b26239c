/** Of resident memory over rounds of the same work. */

/** Megabytes. A run without a leak grew by 2 (docs/reliability.md); 36 kB lost in each of 900 terminations are 32. */
export const mostGrowth = 32;

/** The first quarter of the rounds warms caches up; after that a leak shows as a slope. */
export function growthOf(megabytes: readonly number[]): number {
  const settled = megabytes.slice(megabytes.length >> 2);
  return settled.at(-1)! - settled[0]!;
}
