/** Where values come from: memories bound when a program runs, and constants. */
import { NdArray, checkIntact } from '../array.js';
import { DTypeError, ShapeError, formatShape } from '../errors.js';
import type { MemoryHandle, NumericArray } from '../native.js';
import { kindOf } from '../options.js';
import { dtypeOf, isNumericArray, plain } from '../typed-arrays.js';
import { Operation, apply } from './operation.js';
import { type Shape, checkShape, sizeOf } from './shape.js';
import { type DType, type Tensor, type TensorType, floats } from './tensor.js';

/**
 * A memory a program will be bound to: parameters, optimizer slots, a data set, indices, results.
 * Within step i of a run its bytes start at i · stride.
 */
export class MemorySlot {
  constructor(
    readonly name: string,
    /** Bytes one step may touch. */
    readonly bytes: number,
    /** Bytes the base moves on after each step; 0 stays. */
    readonly stride = 0,
    /** What it is bound to in every run that gives it nothing else. */
    public memory?: MemoryHandle,
  ) {}
}

/** A value that lies in a bound memory. */
export class Source extends Operation {
  readonly name = 'source';

  constructor(
    readonly slot: MemorySlot,
    readonly byteOffset: number,
    readonly type: TensorType,
  ) {
    super();
    checkShape(type.shape, slot.name);
  }

  override key(): string {
    // Slots are compared by identity in common-subexpression elimination; the key need only be distinct within one.
    return `${this.byteOffset}:${this.type.dtype}[${this.type.shape.join()}]`;
  }

  infer(): readonly TensorType[] {
    return [this.type];
  }

  lower(): readonly never[] {
    return [];
  }
}

/** A number known when the graph is made. */
export class Constant extends Operation {
  readonly name = 'constant';

  constructor(readonly value: number) {
    super();
  }

  infer(): readonly TensorType[] {
    return [floats([])];
  }

  lower(): readonly never[] {
    return [];
  }
}

/** Bytes up to which arrays with the same content are the same value to the compiler; longer ones only with themselves. */
const maxSharedBytes = 1 << 20;

/** Values known when the graph is made; the compiler keeps them in a memory of the program. */
export class ConstantArray extends Operation {
  readonly name = 'constantArray';
  static #count = 0;
  readonly #id = ConstantArray.#count++;

  constructor(
    readonly values: NumericArray,
    readonly shape: Shape,
  ) {
    super();
  }

  override key(): string {
    const { buffer, byteOffset, byteLength } = this.values;
    const content = byteLength <= maxSharedBytes ? Buffer.from(buffer, byteOffset, byteLength).toString('latin1') : `#${this.#id}`;
    return `${dtypeOf(this.values)}[${this.shape.join()}]:${byteLength}:${content}`;
  }

  infer(): readonly TensorType[] {
    return [{ shape: this.shape, dtype: dtypeOf(this.values) }];
  }

  lower(): readonly never[] {
    return [];
  }
}

export function source(slot: MemorySlot, byteOffset: number, shape: Shape, dtype: DType = 'float32'): Tensor {
  return apply(new Source(slot, byteOffset, { shape, dtype }));
}

export function scalar(value: number): Tensor {
  return apply(new Constant(value));
}

/**
 * An array that is part of the graph. The values are copied.
 * @param shape default: that of the array, or of a typed array one dimension
 * @throws DTypeError for other kinds of arrays; ShapeError if sizes do not match; StateError if the buffer of an array is gone
 */
export function constant(values: Float32Array | Int32Array | Uint8Array | NdArray, shape?: Shape): Tensor {
  if (values instanceof NdArray) {
    checkIntact('constant', 'values', values);
    return constant(values.data, shape ?? values.shape);
  }
  if (!isNumericArray(values)) {
    throw new DTypeError(
      `constant: expected a Float32Array, Int32Array, Uint8Array or an array made by array(), got ${kindOf(values)}. Convert it, for instance with array().`,
    );
  }
  const sizes = shape ?? [values.length];
  checkShape(sizes, 'constant');
  if (sizeOf(sizes) !== values.length)
    throw new ShapeError(`constant: expected ${sizeOf(sizes)} values for shape ${formatShape(sizes)}, got ${values.length}.`);
  return apply(new ConstantArray(plain('constant', values).slice(), sizes));
}

/** 0, 1, … n − 1 as float32 */
export function iota(n: number): Tensor {
  return constant(Float32Array.from({ length: n }, (_, i) => i));
}
