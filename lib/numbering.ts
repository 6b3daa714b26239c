/** Numbers objects in the order in which they are first asked for, so that keys can name them; nothing is kept alive by it. */
export function numbering(): (of: object) => number {
  const numbers = new WeakMap<object, number>();
  let next = 0;
  return (of) => {
    const known = numbers.get(of) ?? next++;
    numbers.set(of, known);
    return known;
  };
}

/** A number as a text that no other number has: −0 is none of 0's. */
export function numberKey(n: number): string {
  return Object.is(n, -0) ? '-0' : String(n);
}
