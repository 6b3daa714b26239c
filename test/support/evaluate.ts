/** Computes graphs node by node, with none of the compiler's passes: the oracle of programs. */
import { flushed } from '../../lib/compile/fold-constants.js';
import type { Instruction } from '../../lib/compile/instructions/index.js';
import { topologicalOrder } from '../../lib/graph/order.js';
import { Constant, ConstantArray, type MemorySlot, Source } from '../../lib/graph/source.js';
import { type Shape, coordinates } from '../../lib/graph/shape.js';
import { type Node, type Tensor, bytesPerElement } from '../../lib/graph/tensor.js';
import type { NumericArray } from '../../lib/native.js';
import { Broadcast, broadcastStrides } from '../../lib/ops/broadcast.js';
import { Elementwise } from '../../lib/ops/elementwise.js';
import { CustomGradient } from '../../lib/ops/custom-gradient.js';
import { ReshapeOp, Slice, Split, Transpose } from '../../lib/ops/shape.js';
import { type Bound, type Cells, type Context, convert, elementwise, execute, walk } from './kernels.js';

/** One entry a byte; that of an element's first byte holds its value. */
export type Memories = ReadonlyMap<MemorySlot, Float64Array>;

export const float64: Context = { round: (x) => x, step: 0 };
export const float32: Context = { round: flushed, step: 0 };

/** The memory that holds these elements. */
export function memoryOf(values: NumericArray | readonly number[]): Float64Array {
  const elementBytes = ArrayBuffer.isView(values) ? values.BYTES_PER_ELEMENT : 4;
  const memory = new Float64Array(values.length * elementBytes);
  values.forEach((value, i) => (memory[i * elementBytes] = value));
  return memory;
}

/** `count` elements of a memory from a byte offset. */
export function elements(memory: Float64Array, byteOffset: number, count: number, elementBytes = 4): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => memory[byteOffset + i * elementBytes]!);
}

export function evaluate(tensors: readonly Tensor[], memories: Memories, context: Context = float64): readonly Float64Array[] {
  const values = new Map<Tensor, Cells>();
  for (const node of topologicalOrder(tensors)) compute(node, values, memories, context);
  return tensors.map((t) => {
    const { data, at, unit } = values.get(t)!;
    return Float64Array.from({ length: t.size }, (_, i) => data[at + i * unit]!);
  });
}

function compute(node: Node, values: Map<Tensor, Cells>, memories: Memories, context: Context): void {
  const { op } = node;
  const [output] = node.outputs;
  const fresh = (t: Tensor): Cells => ({ data: new Float64Array(t.size).fill(NaN), at: 0, unit: 1, dtype: t.dtype });
  if (op instanceof Source) {
    values.set(output!, {
      data: memories.get(op.slot)!,
      at: op.byteOffset + context.step * op.slot.stride,
      unit: bytesPerElement[output!.dtype],
      dtype: output!.dtype,
    });
  } else if (op instanceof Constant) {
    values.set(output!, { ...fresh(output!), data: Float64Array.of(context.round(op.value)) });
  } else if (op instanceof ConstantArray) {
    values.set(output!, { ...fresh(output!), data: Float64Array.from(op.values) });
  } else if (op instanceof ReshapeOp || op instanceof CustomGradient) {
    values.set(output!, { ...values.get(node.inputs[0]!)!, dtype: output!.dtype });
  } else if (op instanceof Elementwise) {
    const out = fresh(output!);
    const inputs = node.inputs.map((x) => values.get(x)!);
    const strides = node.inputs.map((x) => broadcastStrides(x.shape, output!.shape));
    walk(output!.shape, strides, (point, offsets) => {
      const args = inputs.map(({ data, at, unit }, i) => context.round(data[at + offsets[i]! * unit]!));
      const value = op.name === 'identity' ? args[0]! : context.round(elementwise(op.name, args, context));
      out.data[point] = convert(value, output!.dtype);
    });
    values.set(output!, out);
  } else if (op instanceof Split) {
    const x = node.inputs[0]!;
    op.slices(x, node.outputs).forEach(({ node: { op: part } }, i) => {
      values.set(node.outputs[i]!, part instanceof Slice ? viewed(part, node.outputs[i]!, x, values.get(x)!) : values.get(x)!);
    });
  } else if (op instanceof Broadcast || op instanceof Transpose || op instanceof Slice) {
    values.set(output!, viewed(op, output!, node.inputs[0]!, values.get(node.inputs[0]!)!));
  } else {
    for (const t of node.outputs) values.set(t, fresh(t));
    for (const instruction of op.lower(node)) execute(bind(instruction, (t) => values.get(t)!), context); // prettier-ignore
  }
}

/** The elements of a view, one by one. */
function viewed(op: Broadcast | Transpose | Slice, out: Tensor, x: Tensor, { data, at, unit, dtype }: Cells): Cells {
  const elements = Float64Array.from({ length: out.size }, (_, i) => {
    const point = sourceOf(op, coordinates(i, out.shape), x.shape);
    return data[at + unit * point.reduce((flat, index, d) => flat * x.shape[d]! + index, 0)]!;
  });
  return { data: elements, at: 0, unit: 1, dtype };
}

/** The point of x, of this shape, that a view shows at `point`. */
function sourceOf(op: Broadcast | Transpose | Slice, point: readonly number[], shape: Shape): readonly number[] {
  if (op instanceof Broadcast) return shape.map((n, d) => (n === 1 ? 0 : point[point.length - shape.length + d]!));
  if (op instanceof Transpose) return shape.map((_, d) => point[op.axes.indexOf(d)]!);
  return point.map((index, d) => op.start[d]! + index);
}

/** The instruction with every tensor replaced by its cells. */
export function bind(instruction: Instruction, cells: (t: Tensor) => Cells): Bound<Instruction> {
  const replace = (value: unknown): unknown => {
    if (isTensor(value)) return cells(value);
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replace(inner)]));
    return value;
  };
  return replace(instruction) as Bound<Instruction>;
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'node' in value && 'dtype' in value;
}
