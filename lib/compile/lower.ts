/** Turns the graph into instructions: groups of elementwise nodes into maps, everything else by its own `lower`. */
import { Constant } from '../graph/source.js';
import { rowMajorStrides, sizeOf } from '../graph/shape.js';
import type { Node, Tensor } from '../graph/tensor.js';
import { Elementwise } from '../ops/elementwise.js';
import { Gemm } from '../ops/matmul.js';
import { elementwiseGraph, groupElementwise } from './fuse.js';
import { type Copy, type Gemm as GemmInstruction, type Instruction, copyOf, writesOf } from './instructions/index.js';
import { buildMap } from './map.js';
import type { Operands } from './operands.js';
import { foldsIntoGemm } from './operands.js';
import { isContiguous, isView } from './view.js';

/** An instruction and the nodes it computes. */
export interface Item {
  readonly instruction: Instruction;
  readonly nodes: readonly Node[];
}

/**
 * The instructions for `order`, in no particular order except that several writing one tensor keep theirs.
 * @param committed values that replace what outlives the step
 */
export function lower(
  order: readonly Node[],
  operands: Operands,
  values: readonly Tensor[],
  committed: ReadonlySet<Tensor>,
  fuse: boolean,
): readonly Item[] {
  const items: Item[] = [];
  const { groups, isOutput } = groupElementwise(elementwiseGraph(order, operands, values, committed), fuse);
  for (const group of groups) items.push({ instruction: buildMap(group, isOutput), nodes: group.members.map((member) => member.node) });
  for (const node of order) {
    const [output] = node.outputs;
    if (isView(node.op) || node.op instanceof Constant) {
      if (operands.isWritten(output!)) items.push({ instruction: writeOut(output!, operands), nodes: [node] });
    } else if (!(node.op instanceof Elementwise)) {
      for (const instruction of node.op.lower(node)) items.push({ instruction: adapt(instruction, node, operands), nodes: [node] });
    }
  }
  return items.filter(({ instruction }) => writesOf(instruction).some((t) => t.size > 0));
}

/** The instruction that gives a view or a constant a buffer of its own. */
function writeOut(out: Tensor, operands: Operands): Instruction {
  const { op } = out.node;
  if (op instanceof Constant) return { kind: 'fill', out, outOffset: 0, count: 1, value: op.value };
  const { base, offset, strides } = operands.source(out);
  if (base.node.op instanceof Constant) return { kind: 'fill', out, outOffset: 0, count: out.size, value: base.node.op.value };
  return copyOf(out, base, { dims: out.shape, inOffset: offset, inStrides: strides, outStrides: rowMajorStrides(out.shape) });
}

/** Lets an instruction read views through its own strides where it can. */
function adapt(instruction: Instruction, node: Node, operands: Operands): Instruction {
  if (node.op instanceof Gemm && instruction.kind === 'gemm') return throughViews(instruction, node, operands);
  return instruction.kind === 'copy' ? copyThroughView(instruction, operands) : instruction;
}

function throughViews(gemm: GemmInstruction, node: Node, operands: Operands): GemmInstruction {
  const { transposeA, transposeB } = node.op as Gemm;
  const side = (
    x: Tensor,
    swapped: boolean,
  ): { tensor: Tensor; offset: number; row: number; col: number; batch: number; outer: number } | undefined => {
    const view = operands.source(x);
    if (isContiguous(x.shape, view.strides) || !foldsIntoGemm(view, x)) return undefined;
    const [outer, batch, first, second] = (x.rank === 4 ? view.strides : [0, ...view.strides]) as [number, number, number, number];
    return { tensor: view.base, offset: view.offset, row: swapped ? second : first, col: swapped ? first : second, batch, outer };
  };
  const a = side(gemm.a, transposeA);
  const b = side(gemm.b, transposeB);
  return {
    ...gemm,
    ...(a && { a: a.tensor, aOffset: a.offset, aRow: a.row, aCol: a.col, aBatch: a.batch, aOuter: a.outer }),
    ...(b && { b: b.tensor, bOffset: b.offset, bRow: b.row, bCol: b.col, bBatch: b.batch, bOuter: b.outer }),
  };
}

/** Concat, pad and pack copy whole tensors; where such a tensor is a view, the copy walks what it is a view of. */
function copyThroughView(copy: Copy, operands: Operands): Copy {
  const x = copy.in;
  const view = operands.source(x);
  if (isContiguous(x.shape, view.strides)) return copy;
  const flat = copy.dims.length === 1 && x.shape.length !== 1 && sizeOf(copy.dims) === x.size;
  return {
    ...copy,
    in: view.base,
    inOffset: view.offset,
    inStrides: view.strides,
    dims: x.shape,
    outStrides: flat ? rowMajorStrides(x.shape) : copy.outStrides,
  };
}
