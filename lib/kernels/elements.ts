/** Raw kernels on elements: maps, reductions, random numbers. Part of `lanewise/kernels`. */
import { type MapOp, type ReduceKind, mapOps, reduceKinds } from '../compile/instructions/index.js';
import { native } from '../native.js';
import { type Rule, checkOptions, nonNegativeInteger, oneOf, required } from '../options.js';
import { checkAttached } from '../typed-arrays.js';
import { call, checkLength, floats, ints, size } from './checks.js';

const word: Rule = {
  expected: 'a whole number in 0 … 2³² − 1',
  accepts: (value) => nonNegativeInteger.accepts(value) && Number(value) < 2 ** 32,
};
const floatsOrInts: Rule = { expected: 'a Float32Array or Int32Array', accepts: (value) => floats.accepts(value) || ints.accepts(value) };

/** Options of {@link elementwise}: the operation and as many operands as it has. */
export interface ElementwiseOptions {
  readonly op: MapOp;
  readonly a: Float32Array;
  readonly b?: Float32Array | undefined;
  readonly c?: Float32Array | undefined;
  /** As long as the inputs; may be one of them. */
  readonly output: Float32Array;
}

/** Applies one operation to every element; inputs it does not read may be left out. */
export function elementwise(options: ElementwiseOptions): void {
  checkOptions('elementwise', options, {
    op: required(oneOf(...mapOps)),
    a: required(floats),
    b: floats,
    c: floats,
    output: required(floats),
  });
  const { op, a, b, c, output } = options;
  checkAttached('elementwise', output);
  for (const [name, input] of Object.entries({ a, b, c })) {
    if (input !== undefined) checkLength('elementwise', name, input, output.length);
  }
  call('elementwise', () => native().map(mapOps.indexOf(op), a, b, c, output));
}

/** Options of {@link reduce}. */
export interface ReduceKernelOptions {
  readonly kind: ReduceKind;
  /** Default: 1. */
  readonly outer?: number | undefined;
  readonly count: number;
  /** Default: 1. */
  readonly inner?: number | undefined;
  /** [outer, count, inner] */
  readonly input: Float32Array;
  /** [outer, inner] */
  readonly output: Float32Array;
}

/** Takes the sum, mean, largest, smallest or sum of squares over the middle dimension, in an order that depends on the sizes only. */
export function reduce(options: ReduceKernelOptions): void {
  checkOptions('reduce', options, {
    kind: required(oneOf(...reduceKinds)),
    outer: nonNegativeInteger,
    count: size,
    inner: nonNegativeInteger,
    input: required(floats),
    output: required(floats),
  });
  const { kind, outer = 1, count, inner = 1, input, output } = options;
  checkLength('reduce', 'input', input, outer * count * inner);
  checkLength('reduce', 'output', output, outer * inner);
  call('reduce', () => native().reduce(reduceKinds.indexOf(kind), outer, count, inner, input, output), { in: 'input', out: 'output' });
}

/** Options of the functions that fill an array with random numbers. */
export interface RandomKernelOptions {
  /** The key. */
  readonly seed: number;
  /** Part of the counter, 0 … 2³² − 1. Default: 0. */
  readonly stream?: number | undefined;
  /** Part of the counter. Default: 0. */
  readonly step?: number | undefined;
  /** Float32Array: uniform in [0, 1). Int32Array: 32 random bits each. */
  readonly output: Float32Array | Int32Array;
}

/**
 * Fills with Philox4x32-10 numbers, a function of seed, stream, step and position.
 * @throws OptionError for wrong options; StateError if the buffer of output is gone
 */
export function random(options: RandomKernelOptions): void {
  checkOptions('random', options, { seed: size, stream: word, step: nonNegativeInteger, output: required(floatsOrInts) });
  const { seed, stream = 0, step = 0, output } = options;
  checkAttached('random', output);
  call('random', () => native().random(seed % 2 ** 32, Math.floor(seed / 2 ** 32), stream, step, 0, output));
}
