/** Functions of tensors as functions of arrays. */
import { NdArray } from '../array.js';
import { checkArray } from '../array-check.js';
import { OptionError, StateError } from '../errors.js';
import { dependOn } from '../graph/depend.js';
import { inContext } from '../graph/trace-context.js';
import { MemorySlot, source } from '../graph/source.js';
import { type Shape, checkShape, sizeOf } from '../graph/shape.js';
import { Tensor, type TensorType, byteSize, bytesPerElement } from '../graph/tensor.js';
import { createMemory } from '../memory.js';
import { type MemoryHandle, type NumericArray, native } from '../native.js';
import { boolean, callable, check, checkOptions, kindOf, show } from '../options.js';
import type { Kept } from '../lru-cache.js';
import { gotReturned } from '../returned.js';
import { programCache } from './program-cache.js';
import { type CompileOptions, type Program, prepare } from './program.js';

type Arrays<Args extends readonly Tensor[]> = { readonly [K in keyof Args]: NdArray };
type Results<R extends Tensor | readonly Tensor[]> = R extends Tensor ? NdArray : { readonly [K in keyof R]: NdArray };
type Types<Args extends readonly Tensor[]> = { readonly [K in keyof Args]: NdArray | Shape | TensorType };

/** A function of arrays that runs as one native program. */
export interface Compiled<Args extends readonly Tensor[], R extends Tensor | readonly Tensor[]> {
  /** Computes off this thread. The arrays are copied before the call returns. Calls with the same shapes run one after another. */
  (...args: Arrays<Args>): Promise<Results<R>>;
  /** Computes on this thread, which is faster for small work. @throws StateError while a call with the same shapes is under way */
  sync(...args: Arrays<Args>): Results<R>;
  /** The instructions for arrays of these shapes (float32) or types, as a table. */
  describe(...types: Types<Args>): string;
}

/**
 * Compiles a function of tensors. It is called once for each combination of input shapes and element types, never per call, so numbers around it are read then, as constants. Of those programs the last 16 are kept, more of small functions:
 * `const f = compile((x: Tensor, w: Tensor) => sum(matmul(x, w))); const y = await f(array(…), array(…));`
 * Several results are a list, `const [y, m] = await compile((x: Tensor) => [square(x), mean(x)])(x)`. Random numbers differ from call to call.
 * @throws OptionError for what is no function; from a call OptionError for a function that returns neither a tensor nor a list of tensors
 */
export function compile<Args extends readonly Tensor[], R extends Tensor | readonly Tensor[] | readonly [] /* makes it a tuple */>(
  fn: (...args: Args) => R,
  options: CompileOptions = {},
): Compiled<Args, R> {
  check('compile', 'fn', fn, callable);
  checkOptions('compile', options, { fuse: boolean });
  const traces = programCache<Trace>((trace) => trace);
  const calls = { count: 0 };
  const traceOf = (types: readonly TensorType[]): Trace => {
    const key = types.map(({ shape, dtype }) => `${dtype}[${shape.join()}]`).join();
    // One tensor an array: `checkArrays` has counted them.
    return traces.get(key, () => new Trace((tensors) => fn(...(tensors as Args)), fn.length, types, options, calls));
  };
  const call = async (...args: Arrays<Args>): Promise<Results<R>> => (await traceOf(checkArrays(args, fn.length)).run(args)) as Results<R>;
  return Object.assign(call, {
    sync: (...args: Arrays<Args>): Results<R> => traceOf(checkArrays(args, fn.length)).runSync(args) as Results<R>,
    describe: (...types: Types<Args>): string => traceOf(types.map(typeOf)).program.toString(),
  });
}

interface Bound {
  readonly inputs: readonly MemoryHandle[];
  readonly outputs: readonly MemoryHandle[];
  readonly memories: ReadonlyMap<MemorySlot, MemoryHandle>;
}

/** Memories kept for calls to come: of those under way at the same time one runs, while the next has its arguments already. */
const maxUnused = 2;

/** The program for one combination of input types. */
class Trace implements Kept {
  readonly program: Program;
  readonly #inputs: readonly MemorySlot[];
  readonly #outputs: readonly { readonly slot: MemorySlot; readonly type: TensorType }[];
  /** Whether the function returned one tensor rather than several. */
  readonly #single: boolean;
  readonly #unused: Bound[] = [];
  /** Calls of the function so far, with whatever shapes: they decide its random numbers. */
  readonly #calls: { count: number };
  #pending = 0;

  constructor(
    fn: (inputs: readonly Tensor[]) => Tensor | readonly Tensor[],
    takes: number,
    types: readonly TensorType[],
    options: CompileOptions,
    calls: { count: number },
  ) {
    this.#calls = calls;
    this.#inputs = types.map((type, i) => new MemorySlot(`input ${i}`, byteSize(type)));
    const tensors = types.map((type, i) => source(this.#inputs[i]!, 0, type.shape, type.dtype));
    const returned = inContext(0n, false, () => fn(tensors));
    this.#single = returned instanceof Tensor;
    const results = returned instanceof Tensor ? [returned] : returned;
    checkReturned(results);
    checkTaken(takes, tensors, results);
    this.#outputs = results.map((type, i) => ({ slot: new MemorySlot(`output ${i}`, byteSize(type)), type }));
    this.program = prepare(
      results.map((value, i) => ({ value, slot: this.#outputs[i]!.slot, byteOffset: 0, commit: false })),
      options,
    );
  }

  get bytes(): number {
    return this.program.bytes;
  }

  get memoryBytes(): number {
    const each = [...this.#inputs, ...this.#outputs.map(({ slot }) => slot)].reduce((total, { bytes }) => total + bytes, 0);
    return this.program.memoryBytes + this.#unused.length * each;
  }

  release(): void {
    this.program.release();
    this.#unused.length = 0;
  }

  async run(args: readonly NdArray[]): Promise<NdArray | readonly NdArray[]> {
    const bound = this.#bind(args);
    this.#pending++;
    try {
      // The program runs the calls in order.
      await this.program.run(bound.memories, 1, this.#calls.count++);
      return this.#read(bound);
    } finally {
      this.#pending--;
      if (this.#unused.length < maxUnused) this.#unused.push(bound);
    }
  }

  runSync(args: readonly NdArray[]): NdArray | readonly NdArray[] {
    if (this.#pending > 0)
      throw new StateError('compile: expected no call with these shapes under way, got one still running. Await it before calling sync().');
    const bound = this.#bind(args);
    this.#unused.push(bound);
    this.program.runSync(bound.memories, 1, this.#calls.count++);
    return this.#read(bound);
  }

  /** Memories with the arguments copied into them. */
  #bind(args: readonly NdArray[]): Bound {
    const bound = this.#unused.pop() ?? this.#allocate();
    args.forEach((x, i) => native().writeMemory(bound.inputs[i]!, 0, x.data));
    return bound;
  }

  #allocate(): Bound {
    const create = (slot: MemorySlot): MemoryHandle => createMemory(slot.bytes);
    const inputs = this.#inputs.map(create);
    const outputs = this.#outputs.map(({ slot }) => create(slot));
    const pairs = [
      ...this.#inputs.map((slot, i) => [slot, inputs[i]!] as const),
      ...this.#outputs.map(({ slot }, i) => [slot, outputs[i]!] as const),
    ];
    return { inputs, outputs, memories: new Map(pairs) };
  }

  #read({ outputs }: Bound): NdArray | readonly NdArray[] {
    const results = this.#outputs.map(({ type }, i) => {
      const data = newArray(type);
      native().readMemory(outputs[i]!, 0, data);
      return new NdArray(data, type.shape);
    });
    return this.#single ? results[0]! : results;
  }
}

function newArray({ shape, dtype }: TensorType): NumericArray {
  const size = sizeOf(shape);
  switch (dtype) {
    case 'float32':
      return new Float32Array(size);
    case 'int32':
      return new Int32Array(size);
    case 'uint8':
      return new Uint8Array(size);
    default:
      return dtype satisfies never;
  }
}

function checkReturned(results: unknown): asserts results is readonly Tensor[] {
  const got = Array.isArray(results)
    ? results.map((y, i) => (y instanceof Tensor ? undefined : `${kindOf(y)} at ${i}`)).find((wrong) => wrong !== undefined)
    : kindOf(results);
  if (got === undefined) return;
  throw new OptionError(
    `compile: expected a function that returns a tensor or a list of tensors, ${gotReturned(results, 'Return several as a list: [a, b].', got)}`,
  );
}

/** Rest and default parameters count in no length: they are those that the results depend on. */
function checkTaken(takes: number, tensors: readonly Tensor[], results: readonly Tensor[]): void {
  if (takes === 0 || takes >= tensors.length || dependOn(results, tensors.slice(takes))) return;
  throw new OptionError(
    `compile: expected at most ${takes} array${takes === 1 ? '' : 's'}, one for each tensor of the function, got ${tensors.length}. Leave out what it does not take.`,
  );
}

/** The types of the arguments, which must be intact arrays. */
function checkArrays(args: readonly unknown[], count: number): readonly TensorType[] {
  if (args.length < count)
    throw new OptionError(`compile: expected ${count} arrays, one for each tensor of the function, got ${args.length}.`);
  return args.map((x, i) => {
    checkArray('compile', `argument ${i}`, x);
    return { shape: x.shape, dtype: x.dtype };
  });
}

/** @throws OptionError for what is no array, shape or type; ShapeError for sizes that are none */
function typeOf(x: unknown, i: number): TensorType {
  if (Array.isArray(x)) return typeOf({ shape: x, dtype: 'float32' }, i);
  if (!isType(x)) {
    throw new OptionError(
      `compile.describe: expected an array, a shape or a type { shape, dtype } for argument ${i}, got ${show(x)}. Give a shape as a list: [32, 784].`,
    );
  }
  checkShape(x.shape, 'compile.describe');
  return { shape: x.shape, dtype: x.dtype };
}

function isType(x: unknown): x is TensorType {
  return typeof x === 'object' && x !== null && 'shape' in x && 'dtype' in x && Object.hasOwn(bytesPerElement, String(x.dtype));
}
