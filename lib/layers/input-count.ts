import { ShapeError } from '../errors.js';

/** @throws ShapeError unless as many inputs as one of `counts` come before the scope, which is the last of `args` */
export function checkInputCount(what: string, args: readonly unknown[], counts: readonly number[], expected: string): void {
  const inputs = args.length - 1;
  if (counts.includes(inputs)) return;
  throw new ShapeError(`${what}: expected ${expected}, got ${inputs} ${inputs === 1 ? 'input' : 'inputs'}.`);
}
