import { DTypeError, formatShape } from '../errors.js';
import type { Operation } from './operation.js';
import { type Shape, sizeOf } from './shape.js';

/** Element type of a tensor: computation is float32; int32 holds ids, uint8 raw bytes. */
export type DType = 'float32' | 'int32' | 'uint8';

/** What is known of a value before it exists. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/**
 * A symbolic value: one output of one operation. It holds no data and is never disposed of.
 * Tensors are made by the functions of `ops/`, inside `forward` or a compiled function.
 */
export class Tensor implements TensorType {
  readonly shape: Shape;
  readonly dtype: DType;

  /** @internal Use the functions of `ops/`. */
  constructor(
    /** The use of an operation it comes from. @hidden */
    readonly node: Node,
    /** Which of its outputs. @hidden */
    readonly output: number,
    type: TensorType,
  ) {
    this.shape = type.shape;
    this.dtype = type.dtype;
  }

  /** Number of dimensions. */
  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * Tensors are no numbers: `x > 0` and `x == 0` would be false, `2 * x` NaN and `x + 1` a text, whatever x is.
   * @throws DTypeError but where a text is wanted, as in `String(x)` and templates
   * @internal
   */
  [Symbol.toPrimitive](hint: string): string {
    if (hint !== 'string')
      throw new DTypeError(
        'Tensor: expected an operation such as add, mul, less or equal, got an operator of JavaScript. Its text, for messages, is String(x).',
      );
    return this.toString();
  }

  /** What `console.log` and errors print: not the graph behind it. @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  toString(): string {
    return `${this.node.op.name} ${this.dtype}${formatShape(this.shape)}`;
  }
}

/** One use of an operation: its inputs, its outputs and the layer that made it. */
export class Node {
  readonly outputs: readonly Tensor[];
  /** Path of the layer whose forward (or backward) made this node; '' until labelled. */
  label = '';

  constructor(
    readonly op: Operation,
    readonly inputs: readonly Tensor[],
    types: readonly TensorType[],
  ) {
    this.outputs = types.map((type, index) => new Tensor(this, index, type));
  }
}

/** The type of a float32 tensor of this shape. */
export function floats(shape: Shape): TensorType {
  return { shape, dtype: 'float32' };
}

export const bytesPerElement: Readonly<Record<DType, number>> = { float32: 4, int32: 4, uint8: 1 };

export function byteSize(type: TensorType): number {
  return sizeOf(type.shape) * bytesPerElement[type.dtype];
}

export function formatShapeOf(t: TensorType): string {
  return formatShape(t.shape);
}

/** Without those that were left out. */
export function present(tensors: readonly (Tensor | undefined)[]): readonly Tensor[] {
  return tensors.filter((t) => t !== undefined);
}
