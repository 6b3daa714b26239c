/** Computes graphs on the addon node by node, each a program of its own: what compiled programs must agree with, bit for bit. */
import { build } from '../../lib/compile/program.js';
import { topologicalOrder } from '../../lib/graph/order.js';
import { ConstantArray, Constant, MemorySlot, Source, source } from '../../lib/graph/source.js';
import { type DType, Node, type Tensor, byteSize } from '../../lib/graph/tensor.js';
import { type MemoryHandle, type NumericArray, native } from '../../lib/native.js';
import type { Arrays } from './native-run.js';

export const arrayOf: Readonly<Record<DType, (buffer: ArrayBufferLike, byteOffset: number, length: number) => NumericArray>> = {
  float32: (buffer, byteOffset, length) => new Float32Array(buffer, byteOffset, length),
  int32: (buffer, byteOffset, length) => new Int32Array(buffer, byteOffset, length),
  uint8: (buffer, byteOffset, length) => new Uint8Array(buffer, byteOffset, length),
};

/** The tensors' values in a step; the arrays are what the memories hold before it. */
export function evaluateNatively(tensors: readonly Tensor[], arrays: Arrays, step: number): readonly NumericArray[] {
  const values = new Map<Tensor, NumericArray>();
  for (const node of topologicalOrder(tensors)) {
    const { op } = node;
    const [output] = node.outputs as [Tensor];
    if (op instanceof Source) {
      const { buffer, byteOffset } = arrays.get(op.slot)!;
      const begin = byteOffset + op.byteOffset + step * op.slot.stride;
      values.set(output, arrayOf[output.dtype](buffer.slice(begin, begin + byteSize(output)), 0, output.size));
    } else if (op instanceof Constant) values.set(output, Float32Array.of(op.value));
    else if (op instanceof ConstantArray) values.set(output, op.values);
    else run(node, values, step);
  }
  return tensors.map((t) => values.get(t)!);
}

function run(node: Node, values: Map<Tensor, NumericArray>, step: number): void {
  const memories = new Map<MemorySlot, MemoryHandle>();
  const bind = (name: string, bytes: number): MemorySlot => {
    const slot = new MemorySlot(name, Math.max(bytes, 4));
    memories.set(slot, native().createMemory(slot.bytes));
    return slot;
  };
  const given = new Map<Tensor, Tensor>();
  for (const x of node.inputs) {
    if (given.has(x)) continue;
    if (x.node.op instanceof Constant) {
      given.set(x, x);
      continue;
    }
    const slot = bind('input', byteSize(x));
    if (x.size > 0) native().writeMemory(memories.get(slot)!, 0, values.get(x)!);
    given.set(x, source(slot, 0, x.shape, x.dtype));
  }
  const alone = new Node(node.op, node.inputs.map((x) => given.get(x)!), node.outputs); // prettier-ignore
  const writes = alone.outputs.map((value) => ({ value, slot: bind('output', byteSize(value)), byteOffset: 0, commit: false }));
  build(writes, { fuse: false }).runSync(memories, 1, step);
  writes.forEach(({ slot }, i) => {
    const output = node.outputs[i]!;
    const result = arrayOf[output.dtype](new ArrayBuffer(byteSize(output)), 0, output.size);
    if (output.size > 0) native().readMemory(memories.get(slot)!, 0, result);
    values.set(output, result);
  });
}
