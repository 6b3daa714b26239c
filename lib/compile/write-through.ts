/** Products and copies write at once to where a copy, their only reader, would put what they write. */
import { append } from '../append.js';
import { type Shape, sizeOf } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { type Copy, type Instruction, readsOf, writesOf } from './instructions/index.js';
import type { Item } from './lower.js';
import type { Location } from './operands.js';
import { isContiguous, reshapeStrides } from './view.js';

/** An index space, and how far each step in it leads. */
interface Walk {
  readonly dims: Shape;
  readonly strides: readonly number[];
}

/** @param kept buffers that are wanted where they are */
export function writeThrough(items: readonly Item[], locate: (t: Tensor) => Location, kept: ReadonlySet<Tensor>): readonly Item[] {
  const writers = new Map<Tensor, number[]>();
  const readers = new Map<Tensor, number>();
  items.forEach(({ instruction }, i) => {
    for (const out of writesOf(instruction)) append(writers, out, i);
    for (const { base } of readsOf(instruction).map(locate)) readers.set(base, (readers.get(base) ?? 0) + 1);
  });
  const left: (Item | undefined)[] = [...items];
  left.forEach((item, i) => {
    if (item?.instruction.kind !== 'copy') return;
    const { base, offset } = locate(item.instruction.in);
    const [first, ...more] = writers.get(base) ?? [];
    if (first === undefined || more.length > 0 || kept.has(base) || readers.get(base) !== 1 || offset !== 0) return;
    const writer = left[first]!;
    const moved = moveOutput(writer.instruction, item.instruction, base.size);
    if (moved === undefined) return;
    left[first] = undefined;
    left[i] = { instruction: moved, nodes: [...writer.nodes, ...item.nodes] };
  });
  return left.filter((item) => item !== undefined);
}

/** The writer of a buffer of `size` elements that writes where `copy` would put them, or undefined if its strides cannot. */
function moveOutput(writer: Instruction, copy: Copy, size: number): Instruction | undefined {
  if (copy.inOffset !== 0 || sizeOf(copy.dims) !== size) return undefined;
  const to = { out: copy.out, outOffset: copy.outOffset };
  if (writer.kind === 'copy') {
    const outStrides = writer.outOffset === 0 ? composed({ dims: writer.dims, strides: writer.outStrides }, copy) : undefined;
    return outStrides && { ...writer, ...to, outStrides };
  }
  if (writer.kind !== 'gemm' || writer.outOffset !== 0) return undefined;
  const { outer, inner, m, n, cOuter, cBatch, cRow } = writer;
  const strides = composed({ dims: [outer, inner, m, n], strides: [cOuter, cBatch, cRow, 1] }, copy);
  if (strides === undefined || (n !== 1 && strides[3] !== 1)) return undefined;
  return { ...writer, ...to, cOuter: strides[0]!, cBatch: strides[1]!, cRow: strides[2]! };
}

/** The strides of what is written where `copy` puts it, if both go over all elements of one buffer. */
function composed({ dims, strides }: Walk, copy: Copy): readonly number[] | undefined {
  if (sizeOf(dims) !== sizeOf(copy.dims)) return undefined;
  const from = asItLies({ dims: copy.dims, strides: copy.inStrides });
  const to = asItLies({ dims, strides });
  if (from === undefined || to === undefined) return undefined;
  const moved = reshapeStrides(from.map((d) => copy.dims[d]!), from.map((d) => copy.outStrides[d]!), to.map((d) => dims[d]!)); // prettier-ignore
  return moved && dims.map((_, d) => moved[to.indexOf(d)] ?? 0);
}

/** The dimensions with more than one step, in the order in which they make all elements of a buffer follow one another; undefined: they do not. */
function asItLies({ dims, strides }: Walk): readonly number[] | undefined {
  const order = dims.map((_, d) => d).filter((d) => dims[d] !== 1).toSorted((a, b) => strides[b]! - strides[a]!); // prettier-ignore
  return isContiguous(order.map((d) => dims[d]!), order.map((d) => strides[d]!)) ? order : undefined; // prettier-ignore
}
