/** Distinct lengths looked at; more are first rounded up to multiples of a step. */
const resolution = 256;

/**
 * The lengths to fill sequences up to: at most `buckets` of them, in rising order, the last the longest of all, chosen so that the least
 * is filled up in total. Lengths are rounded up to multiples of 1/256 of the longest.
 *
 * least(k, j) = minᵢ least(k − 1, i) + bound(j) · (sequences with lengths in (bound(i), bound(j)])
 */
export function bucketBounds(lengths: readonly number[], buckets: number): readonly number[] {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const unit = Math.ceil(longest / resolution);
  const rounded = lengths.map((length) => Math.min(longest, Math.ceil(length / unit) * unit));
  const bounds = [...new Set(rounded)].sort((a, b) => a - b);
  const counts = new Map<number, number>();
  for (const length of rounded) counts.set(length, (counts.get(length) ?? 0) + 1);
  // below[j]: sequences no longer than bounds[j − 1]
  const below = [0];
  for (const bound of bounds) below.push(below.at(-1)! + counts.get(bound)!);

  // cost[j] and cuts[k][j]: the first j bounds covered by k buckets, and where the last of these begins.
  let cost = below.map((_, j) => (j === 0 ? 0 : bounds[j - 1]! * below[j]!));
  const cuts: number[][] = [below.map(() => 0)];
  for (let k = 1; k < Math.min(buckets, bounds.length); k++) {
    const best = below.map((rows, j) => {
      let [least, cut] = [cost[j]!, cuts[k - 1]![j]!];
      for (let i = k; i < j; i++) {
        const total = cost[i]! + bounds[j - 1]! * (rows - below[i]!);
        if (total < least) [least, cut] = [total, i];
      }
      return { least, cut };
    });
    cost = best.map(({ least }) => least);
    cuts.push(best.map(({ cut }) => cut));
  }
  const chosen: number[] = [];
  for (let j = bounds.length, k = cuts.length - 1; j > 0; j = cuts[k]![j]!, k = Math.max(0, k - 1)) chosen.unshift(bounds[j - 1]!);
  return chosen;
}
