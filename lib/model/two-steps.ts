/** Whether a model gives step by step what it gives for a whole sequence: two steps of it, one after the other and at once. */
import { DataError, StateError } from '../errors.js';
import { topologicalOrder } from '../graph/order.js';
import { sameShape, sizeOf } from '../graph/shape.js';
import type { Tensor, TensorType } from '../graph/tensor.js';
import type { NumericArray } from '../native.js';
import { Philox } from '../random.js';

/** Of the largest output. Sums of other orders differ far less, what forgets the step before by far more. */
const tolerance = 1e-3;

/** What is drawn for inputs that are whole numbers. */
export interface IdRange {
  readonly least: number;
  readonly most: number;
}

/** Some steps at once. */
export interface Run {
  readonly output: Tensor;
  /** The outputs for these inputs, one after the other from states of zeros. */
  outputs(inputs: readonly NumericArray[]): readonly Float32Array[];
}

/**
 * Compares them for drawn inputs [N, 2, …] of this type, with the weights there are. Of what is no number, draws numbers itself or refuses the inputs nothing is said.
 * @throws StateError naming `what` if something looks along the sequence, or goes on without a state
 */
export function checkTwoSteps(what: string, type: TensorType, ids: IdRange, one: Run, two: Run): void {
  const { shape } = one.output;
  const isSequence = shape.length > 1 && shape[1] === 1 && two.output.shape[1] === 2;
  if (!sameShape(two.output.shape, isSequence ? shape.with(1, 2) : shape) || isRandom(two.output)) return;
  const rows = type.shape[0]!;
  try {
    for (const x of draws(type, ids)) {
      const [before, after] = one.outputs([stepOf(x, 0, rows), stepOf(x, 1, rows)]);
      const [both] = two.outputs([x]);
      const ofStep = (t: number): Float32Array => stepOf(both!, t, shape[0]!);
      compare(what, isSequence ? [before!, after!] : [after!], isSequence ? [ofStep(0), ofStep(1)] : [both!]);
    }
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
  }
}

/** @throws StateError if they are others */
function compare(what: string, apart: readonly Float32Array[], together: readonly Float32Array[]): void {
  let [difference, scale] = [0, 0];
  for (const [t, values] of together.entries()) {
    values.forEach((value, i) => {
      const other = apart[t]![i]!;
      if (!Number.isFinite(value) || !Number.isFinite(other)) return;
      difference = Math.max(difference, Math.abs(other - value));
      scale = Math.max(scale, Math.abs(value));
    });
  }
  if (difference <= tolerance * scale) return;
  throw new StateError(
    `${what}: expected step by step the outputs of two steps at once, got others (by ${difference.toPrecision(2)}): an operation looks along the sequence, or a loop begins anew in each step. Keep what goes on by scope.state(), or give whole sequences to predict().`,
  );
}

/** Inputs of this type: of both signs, and those that a logarithm or a root takes too. */
function draws({ shape, dtype }: TensorType, { least, most }: IdRange): readonly NumericArray[] {
  const random = new Philox(0);
  const size = sizeOf(shape);
  const whole = (low: number, high: number): Float32Array => random.uniform(size, low, high + 1).map(Math.floor);
  switch (dtype) {
    case 'float32':
      return [random.normal(size), random.uniform(size, 0, 1)];
    case 'int32':
      return [Int32Array.from(whole(least, most))];
    case 'uint8':
      return [Uint8Array.from(whole(0, 255))];
    default:
      return dtype satisfies never;
  }
}

/** Step t of x [N, 2, …]. */
function stepOf<Values extends NumericArray>(x: Values, t: number, rows: number): Values {
  const size = x.length / (2 * rows);
  return x.filter((_, i) => Math.floor(i / size) % 2 === t) as Values;
}

function isRandom(y: Tensor): boolean {
  return topologicalOrder([y]).some(({ op }) => op.name === 'randomUniform');
}
