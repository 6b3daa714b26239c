/** The ends of float32. */

/** The largest finite number. */
export const largestFloat: number = (2 - 2 ** -23) * 2 ** 127;
/** The least that a program holds: it flushes what is nearer to 0. */
export const leastFloat: number = 2 ** -126;
