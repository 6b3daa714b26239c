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
