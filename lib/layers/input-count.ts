import { ShapeError, StateError } from '../errors.js';
import { Tensor } from '../graph/tensor.js';
import { kindOf } from '../options.js';

/** @throws StateError without a scope; ShapeError unless as many inputs as one of `counts` come before the scope, which is the last of `args` */
export function checkInputCount(what: string, args: readonly unknown[], counts: readonly number[], expected: string): void {
  const last = args.at(-1);
  if (last === undefined || last instanceof Tensor) {
    throw new StateError(
      `${what}: expected a scope as the last argument, got ${kindOf(last)}. Call it by scope.call('body', this.body, x).`,
    );
  }
  const inputs = args.length - 1;
  if (counts.includes(inputs)) return;
  throw new ShapeError(`${what}: expected ${expected}, got ${inputs} ${inputs === 1 ? 'input' : 'inputs'}.`);
}
