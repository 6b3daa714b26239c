/** What error messages say came instead. */

/** Where something else threw. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** An index of so many rows, columns or classes that is none of them. */
export function wrongIndex(index: number, count: number): string {
  return count === 0
    ? `expected no index, as there is nothing to choose from, got ${index}`
    : `expected an index in 0 … ${count - 1}, got ${index}`;
}
