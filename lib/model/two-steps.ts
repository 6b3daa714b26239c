/** Whether a model gives step by step what it gives for a whole sequence: two steps of it, one after the other and at once. */
import { type Binding, build } from '../compile/program.js';
import { DataError, StateError } from '../errors.js';
import { topologicalOrder } from '../graph/order.js';
import { MemorySlot, constant } from '../graph/source.js';
import { sameShape, sizeOf } from '../graph/shape.js';
import type { Tensor, TensorType } from '../graph/tensor.js';
import { createMemory, readFloats } from '../memory.js';
import { abs, cast, full, sub } from '../ops/elementwise.js';
import { max } from '../ops/reduce.js';
import { concat, slice, stack } from '../ops/shape.js';
import { Philox } from '../random.js';
import type { Carry, Trace } from './trace.js';

/** Of the largest output. Sums of other orders differ far less, what forgets the step before by far more. */
const tolerance = 1e-3;

/** What is drawn for inputs that are whole numbers. */
export interface IdRange {
  readonly least: number;
  readonly most: number;
}

/**
 * Compares them for drawn inputs [N, 2, …] of this type, with the weights there are. Of what is no number, draws numbers itself or refuses the inputs nothing is said.
 * @param traceOf the model for x, with states as they are given
 * @throws StateError naming `what` if something looks along the sequence, or goes on without a state
 */
export function checkTwoSteps(
  what: string,
  type: TensorType,
  ids: IdRange,
  traceOf: (x: Tensor, carry: Carry) => Trace,
  bindings: readonly Binding[],
): void {
  const x = drawn(type, ids);
  const at = (t: number): Tensor => slice(x, [0, t, ...type.shape.slice(2).map(() => 0)], type.shape.with(1, 1));
  const fromZeros: Carry = { state: (_path, shape) => full(shape, 0) };
  const first = traceOf(at(0), fromZeros);
  const second = traceOf(at(1), { state: (path, shape) => first.kept.get(path) ?? full(shape, 0) });
  const together = cast(traceOf(x, fromZeros).output, 'float32');
  const [before, after] = [cast(first.output, 'float32'), cast(second.output, 'float32')];
  const isSequence = after.rank > 1 && after.shape[1] === 1 && together.shape[1] === 2;
  const apart = isSequence ? concat([before, after], 1) : after;
  if (together.size === 0 || !sameShape(apart.shape, together.shape) || isRandom(together)) return;

  const result = new MemorySlot('difference', 8);
  const value = stack([max(abs(sub(apart, together))), max(abs(together))], 0);
  const memory = createMemory(result.bytes);
  try {
    build([{ value, slot: result, byteOffset: 0, commit: false }]).runSync(new Map([...bindings, [result, memory]]), 1, 0);
  } catch (error) {
    if (error instanceof DataError) return;
    throw error;
  }
  const [difference = 0, scale = 0] = readFloats(memory, 2);
  if (!(difference > tolerance * scale)) return;
  throw new StateError(
    `${what}: expected step by step the outputs of two steps at once, got others (by ${difference.toPrecision(2)}): an operation looks along the sequence, or a loop begins anew in each step. Keep what goes on by scope.state(), or give whole sequences to predict().`,
  );
}

/** x of this type. */
function drawn({ shape, dtype }: TensorType, { least, most }: IdRange): Tensor {
  const random = new Philox(0);
  const size = sizeOf(shape);
  const whole = (low: number, high: number): Float32Array => random.uniform(size, low, high + 1).map(Math.floor);
  switch (dtype) {
    case 'float32':
      return constant(random.normal(size), shape);
    case 'int32':
      return constant(Int32Array.from(whole(least, most)), shape);
    case 'uint8':
      return constant(Uint8Array.from(whole(0, 255)), shape);
    default:
      return dtype satisfies never;
  }
}

function isRandom(y: Tensor): boolean {
  return topologicalOrder([y]).some(({ op }) => op.name === 'randomUniform');
}
