/** Where allowed errors come from. */

/** Unit roundoff of float32. */
export const roundoff = 2 ** -24;

/** Error allowed after `operations` roundings of values of about the result's size: each half a unit, and functions up to 4. */
export function float32Error(operations: number): number {
  return 8 * operations * roundoff;
}

/** Central differences with step h are off by h² · f‴ / 6, and by rounding divided by h: in float64 about 1e-9 for h = 1e-5 and smooth f. */
export const differenceStep = 1e-5;
export const differenceError = 1e-7;
